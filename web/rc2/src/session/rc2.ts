/** The Rc² server's HTTP API: what is asked for on demand. */

import type {
  Children,
  Completions,
  FrameRequest,
  Help,
  HelpRequest,
  History,
  Inspection,
  Page,
  PageRequest,
  Plots,
  Preferences,
  PreferencesChange,
  Profile,
  Vignette,
} from '../protocol/messages.ts';
import { address, requestJson } from './base.ts';

const post = <T>(path: string, what: object, signal?: AbortSignal): Promise<T> =>
  requestJson<T>(`rc2/api/${path}`, {
    method: 'POST',
    body: JSON.stringify(what),
    headers: { 'Content-Type': 'application/json' },
    ...(signal ? { signal } : {}),
  });

export const page = (console: string, request: PageRequest, signal?: AbortSignal): Promise<Page> =>
  post(`consoles/${console}/page`, request, signal);

export const children = (
  console: string,
  name: string,
  path: (string | number)[],
  first = 0,
): Promise<Children> => post(`consoles/${console}/children`, { name, path, first, count: 200 });

/** Return the variables of a call that waits, or what is inside of one. */
export const frame = (console: string, request: FrameRequest): Promise<Children> =>
  post(`consoles/${console}/frame`, request);

export const complete = (
  console: string,
  code: string,
  position: number,
  signal?: AbortSignal,
): Promise<Completions> => post(`consoles/${console}/complete`, { code, position }, signal);

export const inspect = (console: string, code: string, position: number): Promise<Inspection> =>
  post(`consoles/${console}/inspect`, { code, position, detail: 0 });

export const help = (console: string, what: HelpRequest): Promise<Help> =>
  post(`consoles/${console}/help`, what);

export const vignetteAddress = (found: Vignette): string =>
  address(`rc2/api/vignette/${found.form}/${found.blob.sha256}`).href;

export const history = (console: string, search: string, before?: number): Promise<History> => {
  const query = new URLSearchParams({ search, count: '100', ...(before ? { before: String(before) } : {}) });
  return requestJson(`rc2/api/consoles/${console}/history?${query.toString()}`);
};

export const plots = (console: string): Promise<Plots> => requestJson(`rc2/api/consoles/${console}/plots`);

/** Return the address of a plot, drawn at a size in inches. */
export function plotAddress(
  console: string,
  plot: string,
  format: 'svg' | 'png' | 'pdf',
  size: { width: number; height: number; density: number },
): string {
  const query = new URLSearchParams({
    format,
    width: size.width.toFixed(2),
    height: size.height.toFixed(2),
    density: String(Math.round(size.density)),
  });
  return address(`rc2/api/consoles/${console}/plots/${encodeURIComponent(plot)}?${query.toString()}`).href;
}

export const blobAddress = (sha256: string): string => address(`rc2/api/blob/${sha256}`).href;

/** Return the address at which the HTML of an event, or of a blob, has an origin of its own. */
export const frameAddress = (what: number | string): string => address(`rc2/api/frame/${what}`).href;

export const preferences = {
  read: (): Promise<Preferences> => requestJson('rc2/api/preferences'),
  change: (change: PreferencesChange): Promise<Preferences> => post('preferences', change),
};

/** Return a profile by the blob that the event `profiled` names. */
export const profile = (blob: string): Promise<Profile> =>
  requestJson(`rc2/api/blob/${blob}?type=application/json`);
