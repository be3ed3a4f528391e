(function () {
  'use strict';
  if (window.parent === window) return;
  addEventListener('keydown', function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.target.closest('input, button, a')) return;
    window.parent.postMessage({ key: event.key, shift: event.shiftKey }, '*');
  });
})();
