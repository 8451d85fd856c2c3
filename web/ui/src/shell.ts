/** What goes over the websocket of a terminal: terminado's JSON arrays. */

export type FromShell =
  | { kind: 'setup' } // joined; what the shell showed until now follows
  | { kind: 'output'; text: string }
  | { kind: 'ended' };

/** Read a message; null for one that is unknown. */
export function read(message: string): FromShell | null {
  const data: unknown = JSON.parse(message);
  if (!Array.isArray(data)) return null;
  const [kind, value] = data as unknown[];
  if (kind === 'setup') return { kind };
  if (kind === 'stdout' && typeof value === 'string') return { kind: 'output', text: value };
  if (kind === 'disconnect') return { kind: 'ended' };
  return null;
}

export const typed = (text: string): string => JSON.stringify(['stdin', text]);
export const resized = (rows: number, columns: number): string => JSON.stringify(['set_size', rows, columns]);

const ANSWER =
  // eslint-disable-next-line no-control-regex
  /^(?:\x1b\[[?>=]?[\d;]*[cnRt]|\x1b\[[IO]|\x1b\[\?[\d;]*\$y|\x1b[\]P_][^\x07\x1b]*(?:\x07|\x1b\\))*$/;

/**
 * Whether the terminal says this by itself: an answer to a program that asks what it is. When old output is shown again,
 * old questions come again, and nobody waits for their answers.
 */
export const isAnswer = (text: string): boolean => ANSWER.test(text);

/** How long to wait before the next try to connect, in milliseconds. */
export function pause(tries: number): number {
  return Math.min(500 * 2 ** Math.max(0, tries - 1), 8000);
}
