(function () {
  'use strict';
  var rows = document.getElementById('rows');
  var state = document.getElementById('live');
  if (!rows || !rows.dataset.src || !window.EventSource) return;
  var waiting = 0;
  function say(on) {
    state.classList.toggle('on', on);
    state.textContent = on ? state.dataset.on : state.dataset.off;
  }
  function load() {
    fetch(rows.dataset.src).then(function (answer) {
      if (!answer.ok) throw new Error(answer.status);
      return answer.text();
    }).then(function (text) {
      var held = rows.contains(document.activeElement) ? document.activeElement.getAttribute('href') : null;
      rows.innerHTML = text;
      var again = held && rows.querySelector('a[href="' + held + '"]');
      if (again) again.focus({ preventScroll: true });
    }).catch(function () { say(false); }).then(function () { waiting = 0; });
  }
  var source = new EventSource('/admin/bench/live');
  source.onopen = function () { say(true); if (!waiting) waiting = setTimeout(load, 0); };
  source.onerror = function () { say(false); };
  source.addEventListener('news', function () { if (!waiting) waiting = setTimeout(load, 250); });
})();
