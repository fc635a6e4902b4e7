import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { words } from '../../src/bin/enchufe/pages/hospital/i18n.js';

test('both languages say the same things with the same blanks', () => {
  assert.deepEqual(Object.keys(words.es), Object.keys(words.en));
  for (const key of Object.keys(words.en)) {
    assert.equal(typeof words.es[key], typeof words.en[key], key);
    assert.equal(words.es[key].length > 0, true, key);
  }
});

test('every word the page asks for is there, and the page holds the English one', () => {
  const page = readFileSync(new URL('../../src/bin/enchufe/pages/hospital/hospital.html', import.meta.url), 'utf8');
  const shared = ['skip', 'pages', 'chat', 'lab', 'hospital'];
  for (const [, key, text] of page.matchAll(/data-t="([^"]+)"[^>]*>([^<]*)</g)) {
    if (!shared.includes(key)) assert.equal(text, words.en[key], key);
  }
  const program = readFileSync(new URL('../../src/bin/enchufe/pages/hospital/hospital.js', import.meta.url), 'utf8');
  for (const [, key] of program.matchAll(/\bt\('([^']+)'/g)) assert.ok(key in words.en, key);
});

test('one bed is one bed', () => {
  assert.equal(words.es.sureHospital('Sur', 1), '¿Eliminar «Sur» y su cama?');
  assert.equal(words.es.sureHospital('Sur', 2), '¿Eliminar «Sur» y sus 2 camas?');
  assert.equal(words.en.count(0, 0), 'No beds');
});
