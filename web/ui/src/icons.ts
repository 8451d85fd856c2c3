/** Our own icons: strokes of 1.5 on a grid of 16, so that they are sharp at the size they are shown in. */
export const icons = {
  alert: 'M8 2.2 14.4 13.2H1.6ZM8 6.4v3.2M8 11.4v.1',
  arrow: 'M3 8h9.6M8.6 4l4 4-4 4',
  branch:
    'M4.5 5v6M4.5 5a1.4 1.4 0 1 0 0-2.8 1.4 1.4 0 0 0 0 2.8ZM4.5 13.8a1.4 1.4 0 1 0 0-2.8 1.4 1.4 0 0 0 0 2.8ZM11.5 6.6a1.4 1.4 0 1 0 0-2.8 1.4 1.4 0 0 0 0 2.8ZM11.5 6.6c0 2.8-3.4 2.6-7 4.4',
  check: 'M3 8.5 6.4 12 13 4.5',
  'check-circle': 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM5.3 8.2l1.9 1.9 3.6-4',
  'chevron-down': 'M4 6l4 4 4-4',
  circle: 'M8 2.5a5.5 5.5 0 1 0 0 11 5.5 5.5 0 0 0 0-11Z',
  clock: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 4.6V8l2.3 1.6',
  copy: 'M5.5 5.5h7.2v8.2H5.5ZM3.3 10.5V2.3h7',
  cross: 'M4 4l8 8M12 4l-8 8',
  'cross-circle': 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4',
  down: 'M8 2.8v10.4M3.8 9 8 13.2 12.2 9',
  up: 'M8 13.2V2.8M3.8 7 8 2.8 12.2 7',
  help: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM6.2 6.2a1.8 1.8 0 1 1 2.6 1.7c-.6.3-.8.6-.8 1.2M8 11.2v.1',
  info: 'M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8ZM8 7.4v3.6M8 4.9v.1',
  key: 'M10.4 2a3.6 3.6 0 1 0 0 7.2 3.6 3.6 0 0 0 0-7.2ZM7.8 8.2 2.4 13.6v.9M4.2 11.8l1.9 1.9',
  link: 'M6.6 9.4a2.8 2.8 0 0 0 4 0l2.2-2.2a2.8 2.8 0 0 0-4-4l-.8.8M9.4 6.6a2.8 2.8 0 0 0-4 0L3.2 8.8a2.8 2.8 0 0 0 4 4l.8-.8',
  log: 'M3 3.5h10M3 6.5h7M3 9.5h10M3 12.5h5',
  minus: 'M3.5 8h9',
  moon: 'M13.4 9.6A5.8 5.8 0 1 1 6.4 2.6a4.6 4.6 0 0 0 7 7Z',
  more: 'M3.2 8h.1M8 8h.1M12.8 8h.1',
  pencil: 'M10.6 2.8l2.6 2.6-7.8 7.8-3.2.6.6-3.2ZM9 4.4l2.6 2.6',
  people:
    'M6 2.5a2.4 2.4 0 1 0 0 4.8 2.4 2.4 0 0 0 0-4.8ZM1.5 13.2c0-2.4 2-3.9 4.5-3.9s4.5 1.5 4.5 3.9M10.6 2.8a2.3 2.3 0 0 1 0 4.2M12.3 9.7c1.4.6 2.2 1.9 2.2 3.5',
  play: 'M5.2 3.6v8.8L12.2 8Z',
  plus: 'M8 3v10M3 8h10',
  retry: 'M13.2 8a5.2 5.2 0 1 1-1.6-3.8L13.4 6M13.4 2.6V6H10',
  search: 'M7 2.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6ZM10.5 10.5l3.3 3.3',
  stop: 'M4.6 4.6h6.8v6.8H4.6Z',
  trash: 'M2.8 4.2h10.4M6 4V2.4h4V4M4.2 4.4l.6 9.2h6.4l.6-9.2M6.7 7v4M9.3 7v4',
  file: 'M4 1.8h5.2L12.5 5v9.2H4ZM9 2v3.3h3.3',
  folder:
    'M1.8 4.2c0-.8.5-1.2 1.2-1.2h3l1.5 1.8h5.3c.8 0 1.4.5 1.4 1.3v5.7c0 .8-.6 1.4-1.4 1.4H3.2c-.8 0-1.4-.6-1.4-1.4Z',
} as const satisfies Record<string, string>;

/** Small closed shapes, drawn full. */
export const solid: ReadonlySet<string> = new Set(['play', 'stop']);

/** The name of an icon, or the path of one that a single app has. */
export type IconName = keyof typeof icons | `M${string}`;

/** Return the path of an icon. */
export function iconPath(name: IconName): string {
  return name in icons ? icons[name as keyof typeof icons] : name;
}
