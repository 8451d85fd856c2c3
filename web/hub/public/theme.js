// Runs before the first paint, so that a chosen theme never flashes in the other one. Read by src/state/theme.ts too.
(function () {
  var chosen = null;
  try {
    chosen = localStorage.getItem('rsparkhub.theme');
  } catch {
    // Storage is off: the system's theme it is.
  }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
