/** What keeps a person from working in the session, in their words. Pure. */
import type { Problem } from '@rsparkhub/hub/state/api.ts';
import { moment } from '@rsparkhub/hub/state/format.ts';
import type { Session } from '@rsparkhub/hub/state/model.ts';
import { changeLabel, failedPart, isStarting, startupText } from '@rsparkhub/hub/state/session-text.ts';

/** Why the session does not answer, and what there is to do. */
export interface Away {
  title: string;
  text: string;
  /** The word on the button that starts it again; null where there is none. */
  resume: string | null;
  /** Whether it changes by itself soon. */
  waiting: boolean;
  /** Whether the person is to sign in again. */
  signIn: boolean;
}

const TYPED = 'What you typed is still in this tab';

/** Return whether a session that was last seen so is the person's to wake and to put to sleep. */
export function mayRun(session: Session | null): boolean {
  return session?.may?.includes('run') ?? false;
}

/** Return why a session that was last seen so does not answer; null where it does, or where nothing is known. */
export function whyAway(session: Session | null, problem: Problem | null, now: number): Away | null {
  if (problem?.code === 'not-signed-in')
    return {
      ...away('You are signed out', `${TYPED}. Sign in, and it goes on here.`),
      signIn: true,
    };
  if (problem?.code === 'not-found')
    return away('This session is gone', `It was deleted, or is no longer shared with you. ${TYPED}.`);
  if (!session) return null;
  const why = whyNotRunning(session, now);
  return why?.resume && !mayRun(session) ? { ...why, resume: null } : why;
}

function whyNotRunning(session: Session, now: number): Away | null {
  const { state, wanted } = session;
  if (wanted === 'deleted') return away('This session is being deleted', `${TYPED}.`);
  if (state === 'suspending' || (state === 'running' && wanted === 'suspended'))
    return { ...away('Going to sleep', 'Your work is being saved.'), waiting: true };
  if (state === 'stopping' || (state === 'running' && wanted === 'stopped'))
    return { ...away('Stopping', `${TYPED}.`), waiting: true };
  if (state === 'running') return null;
  if (isStarting(state) || wanted === 'running')
    return state === 'failed' ? failed(session) : { ...away('Waking up', waking(session)), waiting: true };
  const resume = changeLabel('resume', state);
  const at = session.last_exit?.at ?? session.ended;
  const since = at ? ` since ${moment(at, now)}` : '';
  if (state === 'suspended')
    return { ...away(`Asleep${since}`, said(session, `Your work is kept. ${TYPED} too.`)), resume };
  if (state === 'stopped')
    return {
      ...away(`Stopped${since}`, said(session, `Variables were not saved. Files are kept. ${TYPED}.`)),
      resume,
    };
  return failed(session);
}

function failed(session: Session): Away {
  const part = failedPart(session);
  const text = session.reason ?? 'It ended without a reason. Its log is on the page of the session.';
  return {
    ...away(part ? `${part.title} failed` : 'The session failed', `${text} Files are kept. ${TYPED}.`),
    resume: changeLabel('resume', 'failed'),
  };
}

function waking(session: Session): string {
  return `${startupText(session)}. This page goes on by itself.`;
}

function said(session: Session, text: string): string {
  return session.reason ? `${session.reason} ${text}` : text;
}

function away(title: string, text: string): Away {
  return { title, text, resume: null, waiting: false, signIn: false };
}
