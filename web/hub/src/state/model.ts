/** The JSON of the API, as types. They follow `rsparkhub.wire`, the one definition that the hub and its clients share. */

export type State =
  | 'queued'
  | 'starting'
  | 'running'
  | 'suspending'
  | 'suspended'
  | 'resuming'
  | 'stopping'
  | 'stopped'
  | 'failed';
export type Wanted = 'running' | 'suspended' | 'stopped' | 'deleted';
export type PartState = 'waiting' | 'starting' | 'ready' | 'failed' | 'ended';

export interface Part {
  name: string;
  title: string;
  state: PartState;
  reason: string | null;
}

export interface Lost {
  name: string;
  class?: string;
  why: string;
}

export interface SavedKernel {
  id?: string;
  name?: string;
  language?: string;
  path?: string | null;
  objects?: number | null;
  bytes?: number;
  lost?: Lost[] | null;
  /** Why this kernel could not be brought back. */
  reason?: string | null;
}

export interface Saved {
  kernels?: SavedKernel[];
}

export interface Warning {
  kind: 'idle' | 'longest';
  at: string;
  text: string;
}

export interface Session {
  id: string;
  owner: string;
  name: string;
  environment: string;
  title: string;
  interface: string | null;
  state: State;
  wanted: Wanted;
  reason: string | null;
  detail: string | null;
  queue_position: number | null;
  url: string;
  created: string;
  started: string | null;
  ready: string | null;
  ended: string | null;
  last_activity: string | null;
  busy: boolean;
  busy_with: string[];
  memory: number | null;
  cpu: number | null;
  memory_limit: number | null;
  cpu_limit: number | null;
  cost: string | null;
  generation: number;
  last_exit: { code: number | null; saved: Saved | null; at: string } | null;
  restored: Saved | null;
  services: Part[];
  warnings: Warning[];
  project: string | null;
}

export interface Environment {
  name: string;
  title: string;
  description: string;
  interface: string;
  kernels: string[];
  services: string[];
  resources: { cpu: number; memory: number };
  lifecycle: { idle: string; suspended: string; longest: string; grace: string };
  expected_start: number | null;
}

export interface Me {
  name: string;
  admin: boolean;
  groups: string[];
  limits: { sessions: number };
  version: string;
  /** Whether sessions run from images: what is changed outside of the home goes with them. */
  images: boolean;
}

export interface Person {
  name: string;
  admin: boolean;
  groups: string[];
  created: string;
  last_seen: string | null;
  has_password: boolean;
}

export interface Group {
  name: string;
  members: string[];
}

export interface Token {
  id: string;
  name: string;
  owner: string;
  session: string | null;
  created: string;
  expires: string | null;
  last_used: string | null;
}

export interface HubEvent {
  id: number;
  session: string;
  at: string;
  kind: 'created' | 'state' | 'part' | 'queue' | 'warning' | 'wanted';
  by: string | null;
  data: Record<string, unknown>;
}
