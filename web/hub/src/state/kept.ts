/** What a session kept when it went to sleep, and what it could not: read from the agent's record, said in words. */
import type { Lost, Saved, SavedKernel } from './model.ts';
import { bytes, count, named } from './words.ts';

export function kernels(saved: Saved | null): SavedKernel[] {
  return saved?.kernels ?? [];
}

export function lostCount(saved: Saved | null): number {
  return kernels(saved).reduce((sum, kernel) => sum + (kernel.lost?.length ?? 0), 0);
}

/** "42 variables saved (12 MB)". */
export function savedSentence(saved: Saved | null): string {
  const objects = kernels(saved).reduce((sum, kernel) => sum + (kernel.objects ?? 0), 0);
  const size = kernels(saved).reduce((sum, kernel) => sum + (kernel.bytes ?? 0), 0);
  if (objects === 0) return 'No variables to save';
  return `${count(objects, 'variable')} saved${size > 0 ? ` (${bytes(size)})` : ''}`;
}

/** What a kernel is called: its notebook, or its language's console. */
export function kernelTitle(kernel: SavedKernel): { title: string; language: string } {
  const language = kernel.language ? named(kernel.language.toLowerCase()).name : (kernel.name ?? 'Kernel');
  return { title: kernel.path ?? `${language} console`, language };
}

/** Why an object was not saved, as a sentence. */
export function why(lost: Lost): string {
  const text = lost.why.trim();
  return text === ''
    ? 'It could not be saved.'
    : text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? '' : '.');
}
