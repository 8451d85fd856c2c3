/** Which item gets the focus when a key is pressed in a list of `count` (menus, tabs). `null`: the key is not ours. */
export function roving(
  key: string,
  at: number,
  count: number,
  axis: 'vertical' | 'horizontal',
): number | null {
  if (count === 0) return null;
  const [back, forth] = axis === 'vertical' ? ['ArrowUp', 'ArrowDown'] : ['ArrowLeft', 'ArrowRight'];
  if (key === forth) return (at + 1) % count;
  if (key === back) return (at - 1 + count) % count;
  if (key === 'Home') return 0;
  if (key === 'End') return count - 1;
  return null;
}

/** The next item whose words begin with what was typed, after the present one and round again. */
export function typed(letter: string, at: number, words: readonly string[]): number | null {
  for (let step = 1; step <= words.length; step++) {
    const next = (at + step) % words.length;
    if (words[next]?.toLowerCase().startsWith(letter.toLowerCase())) return next;
  }
  return null;
}
