import type { IconName } from './icons.ts';

/** What a colour may mean; `neutral` means nothing, and has none. */
export type Meaning = 'neutral' | 'good' | 'waiting' | 'warning' | 'bad';

/** Colour never stands alone: each meaning has its sign. */
export const signs: Record<Meaning, IconName> = {
  neutral: 'info',
  good: 'check-circle',
  waiting: 'clock',
  warning: 'alert',
  bad: 'cross-circle',
};
