/** Examples of the API's JSON, for tests and the gallery. */
import type { Session } from './model.ts';

export function session(changes: Partial<Session> = {}): Session {
  return {
    id: 'kq4wz7m2xb',
    owner: 'ada',
    name: 'RSpark',
    environment: 'rspark',
    title: 'RSpark',
    interface: 'jupyterlab',
    interface_title: 'JupyterLab',
    state: 'running',
    wanted: 'running',
    reason: null,
    detail: null,
    queue_position: null,
    url: '/s/kq4wz7m2xb/',
    created: '2026-11-24T08:00:00Z',
    started: '2026-11-24T08:00:01Z',
    ready: '2026-11-24T08:00:12Z',
    ended: null,
    last_activity: '2026-11-24T09:56:00Z',
    busy: false,
    busy_with: [],
    memory: 1_200_000_000,
    cpu: 0.4,
    memory_limit: 4 * 2 ** 30,
    cpu_limit: 2,
    cost: null,
    generation: 1,
    last_exit: null,
    restored: null,
    services: [
      { name: 'postgres', title: 'PostgreSQL', state: 'ready', reason: null },
      { name: 'spark', title: 'Spark', state: 'ready', reason: null },
      { name: 'interface', title: 'JupyterLab', state: 'ready', reason: null },
    ],
    warnings: [],
    project: null,
    options: {},
    ...changes,
  };
}
