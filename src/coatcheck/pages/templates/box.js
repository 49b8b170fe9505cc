'use strict';
// An upload box's page: files go one after the other, large ones in pieces, and go on where they stopped.
(() => {
  const form = document.getElementById('box');
  if (!form) return;
  const input = document.getElementById('files');
  const button = form.querySelector('button');
  const drop = document.getElementById('drop');
  const list = document.getElementById('list');
  const news = document.getElementById('news');
  const { path, received, sending, waiting, again } = form.dataset;
  const reasons = JSON.parse(form.dataset.reasons);
  const PIECED = 8 * 1024 * 1024; // smaller files go whole
  const WAITS_S = [1, 2, 4, 8, 15, 30];
  const queue = [];
  const memory = { // of this tab: a reload keeps it
    all() { try { return JSON.parse(sessionStorage.getItem(path)) || {}; } catch { return {}; } },
    set(key, value) {
      const all = this.all();
      if (value === undefined) delete all[key]; else all[key] = value;
      try { sessionStorage.setItem(path, JSON.stringify(all)); } catch { /* without it nothing resumes */ }
    },
  };
  let running = false;

  button.hidden = true;
  drop.hidden = false;
  input.required = false;
  input.addEventListener('change', () => { add(input.files); input.value = ''; });
  form.addEventListener('submit', (event) => event.preventDefault());
  addEventListener('dragover', (event) => { event.preventDefault(); form.classList.add('over'); });
  addEventListener('dragleave', (event) => { if (!event.relatedTarget) form.classList.remove('over'); });
  addEventListener('drop', (event) => {
    event.preventDefault();
    form.classList.remove('over');
    add(event.dataTransfer.files);
  });
  addEventListener('beforeunload', (event) => { if (running) event.preventDefault(); });
  for (const [key, { name }] of Object.entries(memory.all())) show(key, name).say(again);

  function add(files) {
    for (const file of files) queue.push([file, show(name(file), file.name)]);
    if (!running) run();
  }

  async function run() {
    running = true;
    for (let next; (next = queue.shift());) {
      const [file, row] = next;
      try {
        await send(file, row);
        row.end(received);
      } catch (error) {
        memory.set(name(file));
        row.fail(reasons[error.message] || reasons['']);
      }
    }
    running = false;
  }

  async function send(file, row) {
    row.say(sending);
    if (file.size <= PIECED) {
      await ask('PUT', `${path}?name=${encodeURIComponent(file.name)}`, file, row, 0, file.size, file.type);
      return;
    }
    let upload = await resume(file);
    while (!upload.done) {
      const { id, received: at, piece_bytes: size } = upload;
      const piece = file.slice(at, Math.min(at + size, file.size));
      upload = await ask('PUT', `${path}?upload=${id}&at=${at}`, piece, row, at, file.size, '', id);
    }
    memory.set(name(file));
  }

  async function resume(file) {
    const kept = memory.all()[name(file)];
    if (kept) {
      try { return await ask('GET', `${path}?upload=${kept.id}`); } catch { memory.set(name(file)); }
    }
    const facts = new URLSearchParams({ upload: '', name: file.name, type: file.type, size: file.size });
    const upload = await ask('POST', `${path}?${facts}`);
    memory.set(name(file), { id: upload.id, name: file.name });
    return upload;
  }

  // One request; while the network or the server is away, again. Of a piece whose answer was lost the server knows
  // that it came.
  async function ask(method, url, body, row, before, total, type, id) {
    for (let tries = 0; ; tries += 1) {
      const answer = await once(method, url, body, type, (sent) => row && row.progress((before + sent) / total));
      if (answer.status >= 200 && answer.status < 300) return answer.document;
      if (answer.status === 409 && id) return ask('GET', `${path}?upload=${id}`);
      const away = answer.status === 0 || answer.status === 429 || answer.status >= 500;
      if (!away || tries === WAITS_S.length) throw new Error(answer.ec);
      if (row) row.say(waiting);
      await new Promise((go) => { setTimeout(go, WAITS_S[tries] * 1000); });
      if (row) row.say(sending);
    }
  }

  function once(method, url, body, type, progress) {
    return new Promise((go) => { // fetch tells nothing of how far a body is
      const request = new XMLHttpRequest();
      request.open(method, url);
      request.setRequestHeader('Accept', 'application/json');
      if (type) request.setRequestHeader('Content-Type', type);
      request.upload.onprogress = (event) => progress(event.loaded);
      request.onload = () => {
        let document = {};
        try { document = JSON.parse(request.responseText); } catch { /* a refusal is XML */ }
        go({ status: request.status, ec: request.getResponseHeader('x-oss-ec') || '', document });
      };
      request.onerror = () => go({ status: 0, ec: '' });
      request.send(body || null);
    });
  }

  function name(file) { return `${file.size} ${file.lastModified} ${file.name}`; }

  function show(key, text) {
    document.getElementById('sent').hidden = false;
    for (const old of list.children) if (old.dataset.key === key) old.remove();
    const row = document.createElement('li');
    const label = document.createElement('bdi');
    const state = document.createElement('span');
    row.dataset.key = key;
    label.textContent = text;
    state.className = 'state';
    row.append(label, ' ', state);
    list.append(row);
    const bar = document.createElement('progress');
    bar.max = 1;
    bar.setAttribute('aria-label', text);
    return {
      say(words) { state.textContent = words; },
      progress(part) {
        if (!bar.parentNode) row.append(bar);
        bar.value = part;
      },
      end(words) { this.say(words); bar.remove(); row.className = 'done'; news.textContent = `${text}: ${words}`; },
      fail(words) { this.say(words); bar.remove(); row.className = 'wrong'; news.textContent = `${text}: ${words}`; },
    };
  }
})();
