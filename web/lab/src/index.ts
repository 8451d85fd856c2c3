/** JupyterLab knows the hub: its plugins, which put the parts together. */
import {
  ConnectionLost,
  IConnectionLost,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin,
} from '@jupyterlab/application';
import { Notification } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import { IDocumentManager } from '@jupyterlab/docmanager';
import { ILauncher } from '@jupyterlab/launcher';
import { IMainMenu } from '@jupyterlab/mainmenu';
import { IStatusBar } from '@jupyterlab/statusbar';
import { Banner } from './banner.ts';
import { COMMANDS, addCommands, addSpark, told } from './commands.ts';
import { connectionLost } from './connection-lost.ts';
import { FollowedSession } from './followed-session.ts';
import { placeOf, type Place } from './place.ts';
import { reconnect } from './reconnect.ts';
import { SleepItem } from './sleep-item.ts';
import { Title } from './title.ts';

const place = placeOf(PageConfig.getBaseUrl());
const session = place && new FollowedSession(place.session);

/** Over the page while the session is away, and connected anew when it is back. */
function stand(
  app: JupyterFrontEnd,
  on: FollowedSession,
  at: Place,
  documents: IDocumentManager | null,
): void {
  const page = `${at.hub}sessions/${at.session}`;
  const banner = new Banner({
    resume: () => told(() => on.resume()),
    signIn: () => void window.open(at.root, '_blank', 'noopener'),
    open: () => void window.open(page, '_blank', 'noopener'),
  });
  document.body.append(banner.node);
  let wasAway = false;
  let autosaved = true;
  let generation: number | null = null; // of the run that the page is connected to
  on.changed.connect(() => {
    const isAway = on.away !== null;
    banner.tell(on.away);
    if (documents && isAway !== wasAway) {
      if (isAway) autosaved = documents.autosave;
      documents.autosave = !isAway && autosaved; // each try would fail, with a dialog about it
    }
    wasAway = isAway;
    if (isAway || !on.session) return;
    // A tab that was hidden may have seen nothing of a sleep.
    if (generation !== null && on.session.generation !== generation) void reconnect(app);
    generation = on.session.generation;
  });
}

/** Say once why a sleep was given up. */
function tellRefusals(on: FollowedSession, at: Place): void {
  let known: string | null | undefined;
  on.changed.connect(() => {
    if (!on.session) return;
    const refused = on.session.sleep_refused;
    if (known !== undefined && refused && refused.at !== known)
      Notification.warning(`Not put to sleep: ${refused.reason}`, {
        autoClose: false,
        actions: [
          {
            label: 'Its page',
            callback: () => void window.open(`${at.hub}sessions/${at.session}`, '_blank', 'noopener'),
          },
        ],
      });
    known = refused?.at ?? null;
  });
}

const hub: JupyterFrontEndPlugin<void> = {
  id: '@rsparkhub/lab:hub',
  description: 'Says when the session sleeps, wakes it, and leads to the hub.',
  autoStart: true,
  optional: [IStatusBar, IMainMenu, ILauncher, IDocumentManager],
  activate: (
    app: JupyterFrontEnd,
    statusBar: IStatusBar | null,
    menu: IMainMenu | null,
    launcher: ILauncher | null,
    documents: IDocumentManager | null,
  ) => {
    if (!place || !session) return;
    addCommands(app, session, place);
    const spark = PageConfig.getOption('rsparkSparkPages'); // empty where the environment has no Spark
    if (spark !== '') {
      addSpark(app, spark);
      launcher?.add({ command: COMMANDS.spark, category: 'Other', rank: 100 });
    }
    menu?.fileMenu.addGroup([{ command: COMMANDS.sessions }, { command: COMMANDS.sleep }], 200);
    const item = new SleepItem(() => told(() => session.extend()));
    statusBar?.registerStatusItem('@rsparkhub/lab:sleep', { item, align: 'right', rank: 1000 });
    const title = new Title(document);
    stand(app, session, place, documents);
    tellRefusals(session, place);
    session.changed.connect(() => {
      const seen = session.session;
      item.tell(session.away ? null : seen, session.now());
      app.commands.notifyCommandChanged(COMMANDS.sleep);
      if (seen) title.name(seen.name);
    });
  },
};

const lost: JupyterFrontEndPlugin<IConnectionLost> = {
  id: '@rsparkhub/lab:connection-lost',
  description: 'Asks the hub why the server does not answer, before the network is blamed.',
  autoStart: true,
  provides: IConnectionLost,
  activate: () => (session ? connectionLost(session) : ConnectionLost),
};

export default [hub, lost];
