/** Where a floating box goes: beside what opened it, inside the window. Pure, so that every corner has a test. */
export interface Box {
  left: number;
  top: number;
  width: number;
  height: number;
}

const GAP = 4;
const MARGIN = 8;

export function place(
  anchor: Box,
  size: { width: number; height: number },
  view: { width: number; height: number },
  align: 'start' | 'end',
): { left: number; top: number } {
  const wished = align === 'start' ? anchor.left : anchor.left + anchor.width - size.width;
  const left = Math.max(MARGIN, Math.min(wished, view.width - size.width - MARGIN));
  const below = anchor.top + anchor.height + GAP;
  const above = anchor.top - size.height - GAP;
  const fits = below + size.height + MARGIN <= view.height;
  const top =
    fits || above < MARGIN ? Math.min(below, Math.max(MARGIN, view.height - size.height - MARGIN)) : above;
  return { left, top };
}
