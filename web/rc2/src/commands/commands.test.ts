import { describe, expect, it, vi } from 'vitest';
import { chordOf, shown, split } from './keys.ts';
import { Registry, score, type Command } from './registry.svelte.ts';

const key = (key: string, code: string, modifiers = ''): KeyboardEvent =>
  ({
    key,
    code,
    ctrlKey: modifiers.includes('c'),
    altKey: modifiers.includes('a'),
    shiftKey: modifiers.includes('s'),
    metaKey: modifiers.includes('m'),
    preventDefault: vi.fn(),
    stopPropagation: vi.fn(),
  }) as unknown as KeyboardEvent;

describe('chords', () => {
  it.each([
    ['Enter', 'Enter', 'c', 'Ctrl+Enter'],
    ['-', 'Minus', 'a', 'Alt+-'],
    ['–', 'Minus', 'a', 'Alt+-'],
    ['M', 'KeyM', 'cs', 'Ctrl+Shift+M'],
    ['ç', 'KeyC', 'a', 'Alt+C'],
    ['F10', 'F10', 'cs', 'Ctrl+Shift+F10'],
    ['ArrowUp', 'ArrowUp', 'a', 'Alt+Up'],
    ['!', 'Digit1', 'cs', 'Ctrl+Shift+1'],
  ])('%s on %s with %j', (pressed, code, modifiers, chord) => {
    expect(chordOf(key(pressed, code, modifiers), false)).toBe(chord);
  });
  it('are none while only modifiers are down', () => {
    expect(chordOf(key('Control', 'ControlLeft', 'c'), false)).toBeNull();
  });
  it('take Command for Ctrl on a Mac', () => {
    expect(chordOf(key('s', 'KeyS', 'm'), true)).toBe('Ctrl+S');
    expect(shown('Ctrl+Shift+K', true)).toBe('⌘⇧K');
  });
  it('may end with a plus', () => {
    expect(split('Ctrl++')).toEqual(['Ctrl', '+']);
  });
});

describe('commands', () => {
  const command = (id: string, keys: string[], more: Partial<Command> = {}): Command => ({
    id,
    title: id,
    group: 'Edit',
    keys,
    run: vi.fn(),
    ...more,
  });

  it('are those of the place first', () => {
    const registry = new Registry();
    registry.add(command('all', ['Ctrl+L']), command('code', ['Ctrl+L'], { place: 'code' }));
    expect(registry.meant('Ctrl+L', 'editor').map(({ id }) => id)).toEqual(['code', 'all']);
    expect(registry.meant('Ctrl+L', 'anywhere').map(({ id }) => id)).toEqual(['all']);
  });
  it('that can’t be done leave the key to others', () => {
    const registry = new Registry();
    const one = command('one', ['F1'], { enabled: () => false });
    registry.add(one);
    expect(registry.press(key('F1', 'F1'), 'anywhere')).toBe(false);
    expect(one.run).not.toHaveBeenCalled();
  });
  it('get the keys that a person sets, and show what is used twice', () => {
    const registry = new Registry();
    registry.add(command('one', ['F1']), command('two', ['F2']));
    registry.own = { two: ['F1'] };
    expect(registry.keys('two')).toEqual(['F1']);
    expect([...registry.conflicts().values()].flat().map(({ id }) => id)).toEqual(['one', 'two']);
  });
});

describe('what is typed into the palette', () => {
  it('finds by words, by beginnings, and not what isn’t there', () => {
    const order = ['Run the whole file', 'Restart the console', 'Run this chunk'];
    const best = (typed: string): string | undefined =>
      order
        .filter((text) => score(typed, text) !== null)
        .sort((one, other) => (score(typed, other) ?? 0) - (score(typed, one) ?? 0))[0];
    expect(best('chunk')).toBe('Run this chunk');
    expect(best('rtwf')).toBe('Run the whole file');
    expect(best('xyz')).toBeUndefined();
  });
});
