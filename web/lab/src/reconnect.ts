/** Connects what is open in the page to a session that has come back. */
import type { JupyterFrontEnd } from '@jupyterlab/application';

interface Connection {
  readonly connectionStatus: string;
  reconnect: () => Promise<void>;
}

/** What of an open document, console or terminal is of interest: JupyterLab's widgets share no type that says it. */
interface Open {
  sessionContext?: { session: { kernel: Connection | null } | null };
  content?: { session?: Partial<Connection> };
}

/**
 * Connect kernels and terminals anew. They have the ids of before, and JupyterLab gives up trying by itself after some minutes.
 */
export async function reconnect(app: JupyterFrontEnd): Promise<void> {
  const { kernels, sessions, terminals } = app.serviceManager;
  await Promise.allSettled([kernels.refreshRunning(), sessions.refreshRunning(), terminals.refreshRunning()]);
  await Promise.allSettled(
    [...app.shell.widgets()].map(async (widget) => {
      const { sessionContext, content } = widget as Open;
      const connection = sessionContext?.session?.kernel ?? content?.session;
      if (connection?.connectionStatus !== 'connected') await connection?.reconnect?.();
    }),
  );
}
