import type { IconName } from './icons.ts';

/** Something to choose in a menu: a link with `href`, else an action. */
export interface MenuAction {
  text: string;
  icon?: IconName;
  /** Set apart: what takes something away. */
  danger?: boolean;
  disabled?: boolean;
  href?: string;
  onselect?: () => void;
  /** The same where it takes time: the menu's button is at work until it is done, and opens no menu; it never fails. */
  work?: () => Promise<unknown>;
}

/** Several values of which exactly one is chosen. */
export interface MenuRadioGroup {
  heading: string;
  value: string;
  options: readonly { value: string; text: string }[];
  onchange: (value: string) => void;
}

export type MenuItem = MenuAction | MenuRadioGroup | { heading: string } | 'line';

/** Context of menus in a table: it scrolls, and must not cut them off. */
export const IN_TABLE = Symbol('in a table');
