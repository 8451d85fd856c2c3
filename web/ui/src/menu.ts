import type { IconName } from './icons.ts';

/** Something to choose in a menu. */
export interface MenuChoice {
  text: string;
  icon?: IconName;
  /** Set apart: what takes something away. */
  danger?: boolean;
  disabled?: boolean;
  /** One of several, of which one is chosen. */
  checked?: boolean;
  href?: string;
  onselect?: () => void;
}

export type MenuItem = MenuChoice | { heading: string } | 'line';
