// Shows those rows of the tables of measures that the reader asks for.

const search = document.getElementById('measure-search');
const [words, clear] = search?.querySelectorAll('input') ?? [];
const count = search?.querySelector('span');

function showAsked() {
  const asked = (words?.value ?? '').toLowerCase().split(/\s+/);
  const isClearOnly = clear?.checked ?? false;
  let shown = 0;
  for (const body of document.querySelectorAll('#measures tbody')) {
    /** @type {HTMLElement | null} */
    let topic = null;
    for (const row of body.children) {
      if (!(row instanceof HTMLElement)) continue;
      if (row.className === 'topic') {
        topic = row;
        topic.hidden = true;
        continue;
      }
      const text = `${topic?.textContent ?? ''} ${row.textContent}`.toLowerCase();
      const isClear = row.lastElementChild?.textContent !== '';
      row.hidden = !asked.every((word) => text.includes(word)) || (isClearOnly && !isClear);
      if (row.hidden) continue;
      shown += 1;
      if (topic !== null) topic.hidden = false;
    }
  }
  if (count) count.textContent = `${shown} shown`;
}

if (search !== null) {
  search.hidden = false;
  search.addEventListener('input', showAsked);
}
