/** Shells of the session, by Jupyter's REST API and terminado's websocket of JSON arrays. */

import { request, requestJson, socketAddress } from './base.ts';

interface Shell {
  name: string;
}

export const list = (): Promise<Shell[]> => requestJson<Shell[]>('api/terminals');
export const start = (): Promise<Shell> => requestJson<Shell>('api/terminals', { method: 'POST' });

export async function end(name: string): Promise<void> {
  await request(`api/terminals/${encodeURIComponent(name)}`, { method: 'DELETE' });
}

export const socket = (name: string): WebSocket =>
  new WebSocket(socketAddress(`terminals/websocket/${encodeURIComponent(name)}`));

export type FromShell = { kind: 'setup' } | { kind: 'output'; text: string } | { kind: 'ended' };

/** Return a message as the page knows it; null for one that is unknown. */
export function read(message: string): FromShell | null {
  const data: unknown = JSON.parse(message);
  if (!Array.isArray(data)) return null;
  const [kind, value] = data as unknown[];
  if (kind === 'setup') return { kind };
  if (kind === 'stdout' && typeof value === 'string') return { kind: 'output', text: value };
  if (kind === 'disconnect') return { kind: 'ended' };
  return null;
}
