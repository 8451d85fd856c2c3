/** What can be done with the session from JupyterLab's menus. */
import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { LabIcon } from '@jupyterlab/ui-components';
import { Problem, errorMessage } from '@rsparkhub/hub/state/api.ts';
import { busyQuestion } from '@rsparkhub/hub/state/busy-text.ts';
import type { FollowedSession } from './followed-session.ts';
import type { Place } from './place.ts';

export const COMMANDS = {
  sessions: 'rsparkhub:sessions',
  sleep: 'rsparkhub:sleep',
  spark: 'rsparkhub:spark',
} as const;

const SPARK = new LabIcon({
  name: '@rsparkhub/lab:spark',
  svgstr:
    '<svg xmlns="http://www.w3.org/2000/svg" width="16" viewBox="0 0 24 24"><path class="jp-icon3" fill="#616161" d="M13 2 5 13h5l-1 9 8-11h-5z"/></svg>',
});

/** Add the commands. */
export function addCommands(app: JupyterFrontEnd, session: FollowedSession, place: Place): void {
  app.commands.addCommand(COMMANDS.sessions, {
    label: 'Your sessions',
    caption: 'The page of the hub with all your sessions',
    execute: () => void window.open(place.hub, '_blank', 'noopener'),
  });
  app.commands.addCommand(COMMANDS.sleep, {
    label: 'Sleep',
    caption: 'Save the variables of all kernels, and end the session',
    isEnabled: () => session.session !== null && session.away === null,
    isVisible: () => session.mayRun,
    execute: () => told(() => sleep(session)),
  });
}

/** Add what leads to Spark's pages, which are at this path. */
export function addSpark(app: JupyterFrontEnd, path: string): void {
  app.commands.addCommand(COMMANDS.spark, {
    label: 'Spark’s jobs',
    caption: 'The pages of Spark in this session',
    icon: SPARK,
    execute: () => void window.open(path, '_blank', 'noopener'),
  });
}

/** Do what may fail, and say why it has. */
export async function told(act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (problem) {
    Notification.error(errorMessage(problem));
  }
}

async function sleep(session: FollowedSession): Promise<void> {
  try {
    await session.sleep(false);
  } catch (problem) {
    if (!(problem instanceof Problem) || problem.code !== 'busy') throw problem;
    const question = busyQuestion(session.session?.name ?? 'the session', 'suspend', problem.running);
    const answer = await showDialog({
      title: question.title,
      body: question.text,
      buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: question.action })],
    });
    if (answer.button.accept) await session.sleep(true);
  }
}
