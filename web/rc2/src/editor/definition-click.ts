/** Ctrl+click, on a Mac Cmd+click, on a name. */

import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';

/** Call `go` with the cursor on the name that is clicked; a click beside all names is as always. */
export const definitionClick = (go: (view: EditorView) => void): Extension =>
  EditorView.domEventHandlers({
    mousedown: (event, view) => {
      if (event.button !== 0 || event.altKey || event.shiftKey || !(event.ctrlKey || event.metaKey))
        return false;
      const at = view.posAtCoords({ x: event.clientX, y: event.clientY });
      if (at === null || !view.state.wordAt(at)) return false;
      event.preventDefault();
      view.dispatch({ selection: { anchor: at }, userEvent: 'select.pointer' });
      view.focus();
      go(view);
      return true;
    },
  });
