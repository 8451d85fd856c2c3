/** What buttons and menus of a session do, with the question before what can't be taken back. */
import { get } from 'svelte/store';
import type { MenuItem } from '@rsparkhub/ui';
import { actions, isMine, role } from '../app.ts';
import type { Change, Consent } from '../state/api.ts';
import { busyQuestion } from '../state/busy-text.ts';
import { confirm } from '../state/confirm.ts';
import type { Session } from '../state/model.ts';
import { renaming } from '../state/renaming.ts';
import { mayChange } from '../state/role.ts';
import { go } from '../state/router.ts';
import { path } from '../state/route.ts';
import { changeIcon, availableChanges, changeLabel } from '../state/session-text.ts';

export async function change(session: Session, wanted: Change, consent: Consent = 'none'): Promise<void> {
  if (consent === 'none' && !(await agreed(session, wanted))) return;
  const outcome = await actions.change(session.id, wanted, consent);
  if (outcome.kind === 'busy' && wanted !== 'resume') {
    const yes = await confirm({ ...busyQuestion(session.name, wanted, outcome.running), danger: true });
    if (yes) await change(session, wanted, 'confirm');
    return;
  }
  // One's own is waited for where its parts light up.
  if (outcome.kind === 'done' && wanted === 'resume' && isMine(session))
    go(path({ page: 'session', id: session.id }));
}

/** Sleep though something of it can't be kept, once the person agrees to lose that. */
export async function sleepAnyway(session: Session): Promise<void> {
  const yes = await confirm({
    title: `Sleep ${session.name} anyway?`,
    text: 'What can’t be kept is lost, and what computes is ended. The rest is saved.',
    action: 'Sleep anyway',
    danger: true,
  });
  if (yes) await change(session, 'suspend', 'force');
}

function agreed(session: Session, wanted: Change): Promise<boolean> {
  if (wanted === 'stop' && session.state === 'running') {
    return confirm({
      title: `Stop ${session.name}?`,
      text: 'It ends without saving variables. Files are kept. To keep variables too, let it sleep.',
      action: 'Stop without saving',
      danger: true,
      instead: { text: 'Sleep', run: () => void change(session, 'suspend') },
    });
  }
  if (wanted === 'delete') {
    const saved = session.state === 'suspended' ? ' The variables it saved are deleted with it.' : '';
    return confirm({
      title: `Delete ${session.name}?`,
      text: `It ends, and leaves this list.${saved} The files of the home folder are kept.`,
      action: 'Delete',
      danger: true,
    });
  }
  return Promise.resolve(true);
}

/** The same as a menu. `without` is what has a button already. */
export function menu(session: Session, without: Change[] = [], more: MenuItem[] = []): MenuItem[] {
  const mine = get(role)(session);
  const items = availableChanges(session).filter(
    (wanted) => !without.includes(wanted) && mayChange(mine, wanted),
  );
  const taking = items.filter((wanted) => wanted === 'delete');
  const item = (wanted: Change): MenuItem => ({
    text: changeLabel(wanted, session.state),
    icon: changeIcon[wanted],
    danger: wanted === 'delete',
    work: () => change(session, wanted),
  });
  const rest = items.filter((wanted) => wanted !== 'delete').map(item);
  const name: MenuItem[] =
    mine === 'owner' && session.wanted !== 'deleted'
      ? [{ text: 'Rename', icon: 'pencil', onselect: () => renaming.set(session) }]
      : [];
  return [
    ...more,
    ...rest,
    ...name,
    ...(taking.length > 0 && rest.length + more.length + name.length > 0 ? ['line' as const] : []),
    ...taking.map(item),
  ];
}
