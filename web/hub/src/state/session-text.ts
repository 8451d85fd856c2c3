/** What the pages say of a session: its state, what can be done with it, what happens while it starts. Pure. */
import type { IconName, Meaning } from '@rsparkhub/ui';
import type { Change } from './api.ts';
import { list, ordinal } from './format.ts';
import type { Component, Environment, Session, SessionComponent, State } from './model.ts';

/** A session's state in a word or two, with its sign. */
export interface StateBadge {
  text: string;
  meaning: Meaning;
  icon?: IconName;
  turning?: boolean;
}

const BADGES: Record<State, StateBadge> = {
  queued: { text: 'In the queue', meaning: 'waiting' },
  starting: { text: 'Starting', meaning: 'waiting', turning: true },
  running: { text: 'Running', meaning: 'good' },
  suspending: { text: 'Going to sleep', meaning: 'waiting', turning: true },
  suspended: { text: 'Asleep', meaning: 'neutral', icon: 'moon' },
  resuming: { text: 'Waking', meaning: 'waiting', turning: true },
  stopping: { text: 'Stopping', meaning: 'waiting', turning: true },
  stopped: { text: 'Stopped', meaning: 'neutral', icon: 'stop' },
  failed: { text: 'Failed', meaning: 'bad' },
};

/** The state in a word or two, with its sign. */
export function sessionBadge(session: Pick<Session, 'state' | 'wanted' | 'queue_position'>): StateBadge {
  const { state, wanted, queue_position: position } = session;
  if (wanted === 'deleted') return { text: 'Being deleted', meaning: 'waiting', turning: true };
  if (state === 'queued' && position !== null)
    return { ...BADGES.queued, text: `${ordinal(position)} in the queue` };
  return BADGES[state];
}

/** What can be done with a session now, the first thing first. */
export function availableChanges(session: Pick<Session, 'state' | 'wanted'>): Change[] {
  if (session.wanted === 'deleted') return [];
  switch (session.state) {
    case 'running':
      return ['suspend', 'stop', 'delete'];
    case 'suspended':
    case 'stopped':
    case 'failed':
      return ['resume', 'delete'];
    case 'queued':
    case 'starting':
    case 'resuming':
      return ['stop', 'delete'];
    case 'suspending':
    case 'stopping':
      return ['delete'];
  }
}

/** A change as the word on its button. */
export function changeLabel(change: Change, state: State): string {
  switch (change) {
    case 'suspend':
      return 'Sleep';
    case 'resume':
      return state === 'failed' ? 'Retry' : state === 'stopped' ? 'Start again' : 'Resume';
    case 'stop':
      return state === 'running' ? 'Stop' : 'Cancel';
    case 'delete':
      return 'Delete';
  }
}

export const changeIcon: Record<Change, IconName> = {
  suspend: 'moon',
  resume: 'play',
  stop: 'stop',
  delete: 'trash',
};

/** Whether it is on its way to being ready. */
export function isStarting(state: State): boolean {
  return state === 'queued' || state === 'starting' || state === 'resuming';
}

/** Whether something of it may run, and write to its log. */
export function isLive(state: State): boolean {
  return !['queued', 'suspended', 'stopped', 'failed'].includes(state);
}

/** What happens right now while it starts, in the words of the person. */
export function startupText(session: Session): string {
  if (session.state === 'queued') {
    if (session.queue_position === null) return 'Starting soon';
    return session.queue_position <= 1
      ? 'Next in the queue'
      : `${ordinal(session.queue_position)} in the queue`;
  }
  const at = session.services.filter((part) => part.state === 'starting').map((part) => part.title);
  if (at.length > 0) return `Starting ${list(at)}`;
  const next = session.services.find((part) => part.state === 'waiting');
  if (next && session.services.some((part) => part.state === 'ready')) return `Starting ${next.title}`;
  if (session.services.length > 0 && !next) return 'Almost ready';
  return session.state === 'resuming' ? 'Waking up' : 'Starting soon';
}

/** Seconds that it takes to be ready, from the last starts or resumes of its environment; null where there were none. */
export function expectedSeconds(session: Session, environment: Environment | undefined): number | null {
  if (!environment) return null;
  const resumes =
    session.state === 'resuming' ||
    (session.state === 'queued' && session.generation > 0 && !!session.last_exit?.saved);
  return resumes ? environment.expected_resume : environment.expected_start;
}

/** The part that a failure is about. */
export function failedPart(session: Session): SessionComponent | undefined {
  return session.services.find((part) => part.state === 'failed');
}

/** The parts that a session will have, from its environment, before the hub knows how they are: the interface last. */
export function expectedParts(components: readonly Component[]): SessionComponent[] {
  const parts = components.filter((component) => component.part !== null);
  return [
    ...parts.filter(({ kind }) => kind !== 'interface'),
    ...parts.filter(({ kind }) => kind === 'interface'),
  ].map(({ part, title }) => ({ name: part ?? '', title, state: 'waiting', reason: null }));
}
