(() => {
  'use strict';
  const screen = document.getElementById('screen');
  let shownAt = performance.now(), stream = null, polling = 0;

  function tick() {
    const gone = (performance.now() - shownAt) / 1000;
    for (const clock of screen.querySelectorAll('[data-up]')) {
      clock.textContent = Math.floor(+clock.dataset.up + gone);
    }
    for (const button of screen.querySelectorAll('[data-opens]')) {
      const left = Math.ceil(+button.dataset.opens - gone);
      if (!button.dataset.label) button.dataset.label = button.textContent;
      button.disabled = left > 0;
      button.textContent = left > 0 ? `${button.dataset.label} (${left})` : button.dataset.label;
    }
  }

  function show(now) {
    if (now.digest !== screen.dataset.digest) {
      screen.dataset.digest = now.digest;
      screen.innerHTML = now.html;
      shownAt = performance.now();
      tick();
    }
    if (!now.listening) { stream.close(); stopPolling(); }
  }

  function stopPolling() { clearInterval(polling); polling = 0; }

  function poll() {
    fetch(screen.dataset.now).then((answer) => answer.ok && answer.json().then(show)).catch(() => {});
  }

  if (screen.dataset.events) {
    stream = new EventSource(screen.dataset.events);
    stream.onopen = stopPolling;
    stream.onerror = () => { if (!polling) polling = setInterval(poll, 2000); };
    stream.addEventListener('picture', (event) => { stopPolling(); show(JSON.parse(event.data)); });
  }
  addEventListener('pageshow', (event) => { if (event.persisted) location.reload(); });
  setInterval(tick, 500);
  tick();
})();
