import { describe, expect, it } from 'vitest';
import { session } from './examples.ts';
import type { Environment } from './model.ts';
import {
  availableChanges,
  changeLabel,
  expectedParts,
  expectedSeconds,
  sessionBadge,
  startupText,
} from './session-text.ts';

describe('while it starts', () => {
  const part = (name: string, title: string, state: 'waiting' | 'starting' | 'ready') => ({
    name,
    title,
    state,
    reason: null,
  });

  it('the parts at work are named', () => {
    const services = [
      part('postgres', 'PostgreSQL', 'starting'),
      part('spark', 'Spark', 'starting'),
      part('interface', 'JupyterLab', 'waiting'),
    ];
    expect(startupText(session({ state: 'starting', services }))).toBe('Starting PostgreSQL and Spark');
  });

  it('before the first part it says what is done', () => {
    expect(startupText(session({ state: 'starting', services: [] }))).toBe('Starting soon');
  });

  it('between two parts the next one is named', () => {
    const services = [part('postgres', 'PostgreSQL', 'ready'), part('interface', 'JupyterLab', 'waiting')];
    expect(startupText(session({ state: 'starting', services }))).toBe('Starting JupyterLab');
  });

  it('when all parts are ready it is almost there', () => {
    const services = [part('interface', 'JupyterLab', 'ready')];
    expect(startupText(session({ state: 'starting', services }))).toBe('Almost ready');
  });

  it('in the queue it says the place', () => {
    expect(startupText(session({ state: 'queued', queue_position: 3 }))).toBe('3rd in the queue');
    expect(startupText(session({ state: 'queued', queue_position: 1 }))).toBe('Next in the queue');
  });
});

describe('what can be done', () => {
  it('a running session sleeps, stops, goes', () => {
    expect(availableChanges(session({ state: 'running' }))).toEqual(['suspend', 'stop', 'delete']);
  });

  it('one that is being deleted is left alone', () => {
    expect(availableChanges(session({ state: 'stopping', wanted: 'deleted' }))).toEqual([]);
    expect(sessionBadge(session({ state: 'stopping', wanted: 'deleted' })).text).toBe('Being deleted');
  });

  it('the same call has the word of the moment', () => {
    expect(changeLabel('resume', 'failed')).toBe('Retry');
    expect(changeLabel('resume', 'suspended')).toBe('Resume');
    expect(changeLabel('resume', 'stopped')).toBe('Start again');
    expect(changeLabel('stop', 'queued')).toBe('Cancel');
  });
});

it('parts that are expected are the services and then the interface, by their titles; what is no part is none', () => {
  const component = { mark: '' };
  const parts = expectedParts([
    { ...component, kind: 'interface', name: 'jupyterlab', title: 'JupyterLab', part: 'interface' },
    { ...component, kind: 'kernel', name: 'r', title: 'R', part: null },
    { ...component, kind: 'service', name: 'spark', title: 'Spark', part: null },
    { ...component, kind: 'service', name: 'postgres', title: 'PostgreSQL', part: 'postgres' },
  ]);
  expect(parts.map(({ name, title, state }) => [name, title, state])).toEqual([
    ['postgres', 'PostgreSQL', 'waiting'],
    ['interface', 'JupyterLab', 'waiting'],
  ]);
});

it('a resume is expected to take as long as resumes do, and nothing is said before the first', () => {
  const environment = { expected_start: 45, expected_resume: 5 } as Environment;
  const saved = { code: 0, ended: [], saved: { kernels: [], terminals: 0 }, at: '' };
  expect(expectedSeconds(session({ state: 'starting' }), environment)).toBe(45);
  expect(expectedSeconds(session({ state: 'resuming' }), environment)).toBe(5);
  expect(expectedSeconds(session({ state: 'queued', generation: 0 }), environment)).toBe(45);
  expect(expectedSeconds(session({ state: 'queued', generation: 1, last_exit: saved }), environment)).toBe(5);
  expect(expectedSeconds(session({ state: 'resuming' }), { ...environment, expected_resume: null })).toBe(
    null,
  );
  expect(expectedSeconds(session(), undefined)).toBe(null);
});
