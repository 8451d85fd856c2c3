/** What the session's data services hold. */

import type { components } from '../protocol/types.ts';
import type { Page } from '../protocol/messages.ts';
import { requestJson } from './base.ts';

type Schemas = components['schemas'];
export type Connection = Schemas['Connection'];
export type Place = Required<Schemas['CatalogRequest']>;
export type Entry = Schemas['CatalogEntry'];
export type Catalog = Schemas['Catalog'];
export type RowsRequest = Pick<Schemas['RowsRequest'], 'service' | 'path'> & Partial<Schemas['RowsRequest']>;

const post = <T>(what: string, fields: object, signal?: AbortSignal): Promise<T> =>
  requestJson<T>(`rc2/api/connections/${what}`, {
    method: 'POST',
    body: JSON.stringify(fields),
    headers: { 'Content-Type': 'application/json' },
    ...(signal ? { signal } : {}),
  });

export const connections = async (): Promise<Connection[]> =>
  (await requestJson<Schemas['Connections']>('rc2/api/connections')).connections;

export const catalog = (place: Place, signal?: AbortSignal): Promise<Catalog> =>
  post('catalog', place, signal);

/** Return rows of a table, of which its service sorts, filters and searches. */
export const page = (request: RowsRequest, signal?: AbortSignal): Promise<Page> =>
  post('page', request, signal);
