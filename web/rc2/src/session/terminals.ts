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
