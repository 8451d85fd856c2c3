/** What a sleep saved of a session's kernels, and what a wake restored, in words. */
import type { Component, LostObject, Restored, RestoredKernel, Saved, SavedKernel } from './model.ts';
import { bytes, count } from './format.ts';

export function kernels(work: Saved | Restored | null): (SavedKernel | RestoredKernel)[] {
  return work?.kernels ?? [];
}

export function countLost(work: Saved | Restored | null): number {
  return kernels(work).reduce((sum, kernel) => sum + kernel.lost.length, 0);
}

/** Return "42 variables saved (12 MB)"; the size where it is known. */
export function summarizeSaved(work: Saved | Restored | null): string {
  const objects = countObjects(work);
  const size = kernels(work).reduce((sum, kernel) => sum + savedBytes(kernel), 0);
  if (objects === 0) return 'No variables to save';
  return `${count(objects, ['variable saved', 'variables saved'])}${size > 0 ? ` (${bytes(size)})` : ''}`;
}

/** Return "42 variables brought back". */
export function summarizeRestored(work: Restored | null): string {
  const objects = countObjects(work);
  if (objects === 0) return 'No variables to save';
  return count(objects, ['variable brought back', 'variables brought back']);
}

function countObjects(work: Saved | Restored | null): number {
  return kernels(work).reduce((sum, kernel) => sum + kernel.objects, 0);
}

/** Return how many objects of a kernel were not saved, or not brought back, before they are named. */
export function lostText(n: number, verb: 'saved' | 'brought back'): string {
  if (verb === 'saved') return n === 1 ? 'One object was not saved:' : `${n} objects were not saved:`;
  return n === 1 ? 'One object was not brought back:' : `${n} objects were not brought back:`;
}

export function savedBytes(kernel: SavedKernel | RestoredKernel): number {
  return 'bytes' in kernel ? kernel.bytes : 0;
}

/** Return what a kernel is called: its notebook, or its language's console. `components` are those of its environment. */
export function kernelTitle(
  kernel: SavedKernel | RestoredKernel,
  components: readonly Component[],
): { title: string; language: string } {
  const name = kernel.language.toLowerCase();
  const known = components.find((component) => component.kind === 'kernel' && component.name === name);
  const language = known?.title ?? (kernel.language || kernel.name || 'Kernel');
  return { title: kernel.path ?? `${language} console`, language };
}

/** Return why an object was not saved, as a sentence. */
export function explainLoss(lost: LostObject): string {
  const text = lost.why.trim();
  return text === ''
    ? 'It could not be saved.'
    : text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}
