/** The questions before what computes is ended. */
import type { Change } from './api.ts';
import { count, list } from './format.ts';

const VERB: Record<Exclude<Change, 'resume'>, string> = { suspend: 'Sleep', stop: 'Stop', delete: 'Delete' };

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
export function busyQuestion(
  name: string,
  change: Exclude<Change, 'resume'>,
  running: readonly string[],
): BusyQuestion {
  const lost =
    change === 'suspend'
      ? 'Variables are saved, but what runs is ended.'
      : 'What runs is ended, and nothing of it saved.';
  return {
    title: `${VERB[change]} ${name} anyway?`,
    text: `${computesText(running)} ${lost}`,
    action: `${VERB[change]} anyway`,
  };
}

const SHOWN = 5; // sessions that are named

/** Return the question before many sessions that compute do; `lines` says of each whose it is and what runs. */
export function busyQuestionForAll(
  change: Exclude<Change, 'resume'>,
  lines: readonly string[],
): BusyQuestion {
  const more = lines.length > SHOWN ? [`and ${count(lines.length - SHOWN, 'more', 'more')}`] : [];
  const they = lines.length === 1 ? 'One session computes' : `${count(lines.length, 'session')} compute`;
  return {
    title: `${they}. ${VERB[change]} anyway?`,
    text: `${[...lines.slice(0, SHOWN), ...more].join('; ')}. What runs is ended.`,
    action: `${VERB[change]} anyway`,
  };
}
