'use strict';
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const players = all('[data-player]');
  const rows = all('[data-players]');
  const lines = all('[data-player-row]');
  const list = document.querySelector('.explanation');
  const marks = ['lit', 'or', 'lowers', 'chosen'];
  let pinned = null;

  const clear = () => {
    for (const part of [...players, ...rows, ...lines]) part.classList.remove(...marks);
    if (list) list.classList.remove('dimmed');
  };
  const light = (part) => {
    clear();
    if (!part) return;
    if (part.dataset.players !== undefined) {
      const within = new Set(part.dataset.players.split(' '));
      const lowers = part.querySelector('.effect').classList.contains('lowers');
      part.classList.add('lit');
      for (const player of players) {
        if (!within.has(player.dataset.player)) continue;
        player.classList.add('lit');
        player.classList.toggle('or', part.dataset.kind === 'or');
        player.classList.toggle('lowers', lowers);
      }
      for (const line of lines) line.classList.toggle('lit', within.has(line.dataset.playerRow));
    } else {
      const one = part.dataset.player;
      for (const player of players) if (player.dataset.player === one) player.classList.add('lit', 'chosen');
      for (const row of rows) row.classList.toggle('lit', row.dataset.players.split(' ').includes(one));
      for (const line of lines) line.classList.toggle('lit', line.dataset.playerRow === one);
      list.classList.add('dimmed');
    }
  };
  const pin = (part) => {
    pinned = pinned === part ? null : part;
    for (const other of [...players, ...rows]) other.setAttribute('aria-pressed', String(other === pinned));
    light(pinned);
  };
  for (const part of [...players, ...rows]) {
    part.addEventListener('pointerenter', (event) => { if (event.pointerType !== 'touch') light(part); });
    part.addEventListener('pointerleave', (event) => { if (event.pointerType !== 'touch') light(pinned); });
    part.addEventListener('focus', () => { if (part.matches(':focus-visible')) light(part); });
    part.addEventListener('blur', () => light(pinned));
    part.addEventListener('click', () => pin(part));
  }
  // Parts of a picture are no buttons, and keys do not click them.
  for (const part of all('path[data-player]')) {
    part.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === ' ') { event.preventDefault(); pin(part); }
    });
  }
  document.addEventListener('keydown', (event) => { if (event.key === 'Escape' && pinned) pin(pinned); });

  for (const table of all('table.sortable')) {
    const heads = [...table.tHead.rows[0].cells];
    const body = table.tBodies[0];
    const key = (row, column) => {
      const cell = row.cells[column];
      if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
      return cell.classList.contains('number') ? NaN : cell.textContent;
    };
    heads.forEach((head, column) => {
      head.querySelector('button').addEventListener('click', () => {
        const numeric = head.classList.contains('number');
        const was = head.getAttribute('aria-sort');
        // Numbers are asked for from the largest down, names from A on.
        const down = was ? was === 'ascending' : numeric;
        for (const other of heads) other.removeAttribute('aria-sort');
        head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
        const sorted = [...body.rows].map((row) => [key(row, column), row]).sort(([a], [b]) => {
          // What has no value stands last either way.
          if (numeric) return Number.isNaN(a) - Number.isNaN(b) || (down ? b - a : a - b);
          return down ? b.localeCompare(a) : a.localeCompare(b);
        });
        body.append(...sorted.map(([, row]) => row));
      });
    });
  }

  // On paper nothing can be unfolded; a list of hundreds would be all that one finds there.
  const folded = all('.more, .provenance details').filter((part) => part.querySelectorAll('li').length <= 40);
  let open = [];
  addEventListener('beforeprint', () => { open = folded.filter((part) => !part.open); for (const part of open) part.open = true; });
  addEventListener('afterprint', () => { for (const part of open) part.open = false; });
})();
