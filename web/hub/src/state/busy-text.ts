/** The questions before what computes is ended. */
import type { Change } from './api.ts';
import { count, list } from './format.ts';

type Ending = Exclude<Change, 'resume'>;

const ANYWAY: Record<Ending, string> = {
  suspend: 'Sleep anyway',
  stop: 'Stop anyway',
  delete: 'Delete anyway',
};
const QUESTION: Record<Ending, (name: string) => string> = {
  suspend: (name) => `Sleep ${name} anyway?`,
  stop: (name) => `Stop ${name} anyway?`,
  delete: (name) => `Delete ${name} anyway?`,
};

/** Return what computes as a sentence. */
export function computesText(running: readonly string[]): string {
  return running.length > 0 ? `It computes: ${list(running)}.` : 'It computes.';
}

export interface BusyQuestion {
  title: string;
  text: string;
  action: string;
}

/** Return the question before one session that computes sleeps, stops or is deleted. */
export function busyQuestion(name: string, change: Ending, running: readonly string[]): BusyQuestion {
  const lost =
    change === 'suspend'
      ? 'Variables are saved, but what runs is ended.'
      : 'What runs is ended, and nothing of it saved.';
  return {
    title: QUESTION[change](name),
    text: `${computesText(running)} ${lost}`,
    action: ANYWAY[change],
  };
}

const SHOWN = 5; // sessions that are named

/** Return the question before many sessions that compute do; `lines` says of each whose it is and what runs. */
export function busyQuestionForAll(change: Ending, lines: readonly string[]): BusyQuestion {
  const more = lines.length > SHOWN ? [`and ${count(lines.length - SHOWN, ['more', 'more'])}`] : [];
  const they =
    lines.length === 1
      ? 'One session computes'
      : count(lines.length, ['session computes', 'sessions compute']);
  return {
    title: `${they}. ${ANYWAY[change]}?`,
    text: `${[...lines.slice(0, SHOWN), ...more].join('; ')}. What runs is ended.`,
    action: ANYWAY[change],
  };
}
