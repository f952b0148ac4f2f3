// Offers the JSON document that is embedded in the page as a file, byte for byte what the command prints with --json.

const button = document.getElementById('save');
button?.addEventListener('click', () => {
  const text = `${JSON.stringify(JSON.parse(document.getElementById('run')?.textContent ?? 'null'))}\n`;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  link.download = button.dataset['name'] ?? 'orrery-sim.json';
  link.click();
  URL.revokeObjectURL(link.href);
});
