import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { words as chat } from '../../src/bin/enchufe/pages/chat/i18n.js';
import { pick, shared } from '../../src/bin/enchufe/pages/shared/i18n.js';
import { words as lab } from '../../src/bin/enchufe/pages/lab/i18n.js';
import { FINE, WRONG, bytesOf } from '../../src/bin/enchufe/pages/lab/presets.js';
import { RULES, receive } from '../../src/bin/enchufe/pages/lab/frame-decoder.js';

const page = (name) => readFileSync(new URL(`../../src/bin/enchufe/pages/${name}`, import.meta.url), 'utf8');

test('the first language we speak is taken, English when there is none', () => {
  assert.equal(pick(['es-GT', 'en']), 'es');
  assert.equal(pick(['fr', 'EN-us', 'es']), 'en');
  assert.equal(pick(['fr', 'de']), 'en');
  assert.equal(pick([]), 'en');
});

test('both languages have the same words, and functions with the same arguments', () => {
  for (const { en, es } of [chat, lab, shared]) {
    assert.deepEqual(Object.keys(es).sort(), Object.keys(en).sort());
    for (const key of Object.keys(en)) {
      assert.equal(typeof es[key], typeof en[key], key);
      if (typeof en[key] === 'function') assert.equal(es[key].length, en[key].length, key);
    }
  }
});

test('every word a page asks for is there', () => {
  const wanted = (name) => [...page(name).matchAll(/data-t(?:-[a-z]+)?="([^"]+)"/g)].map(([, key]) => key);
  const used = (name) => [...page(name).matchAll(/\bt\('([^']+)'/g)].map(([, key]) => key);
  for (const key of [...wanted('chat/chat.html'), ...['chat/chat', 'chat/list', 'chat/messages', 'chat/elements', 'shared/token'].flatMap((name) => used(`${name}.js`))]) {
    assert.ok(key in { ...shared.en, ...chat.en }, key);
  }
  for (const key of [...wanted('lab/lab.html'), ...['lab', 'frame-editor', 'live', 'frame-figure', 'frame-explanation', 'frame-verdict'].flatMap((name) => used(`lab/${name}.js`))]) {
    assert.ok(key in { ...shared.en, ...lab.en }, key);
  }
  for (const rule of Object.keys(RULES)) assert.ok(`r-${rule}` in lab.en, rule);
});

test('every preset does what its list says', () => {
  const key = Uint8Array.of(1, 2, 3, 4);
  for (const [list, wrong] of [[FINE, false], [WRONG, true]]) {
    for (const preset of list) {
      assert.ok(preset.name in lab.en, preset.name);
      const results = receive(bytesOf(preset), preset.role ?? 'server', key);
      const { outcome } = results.at(-1);
      assert.equal(outcome === 'fail', wrong, `${preset.name}: ${outcome}`);
    }
  }
});

test('the presets break every rule there is', () => {
  const broken = WRONG.flatMap((preset) => receive(bytesOf(preset), preset.role ?? 'server', null).map((result) => result.broken));
  assert.deepEqual(Object.keys(RULES).filter((rule) => !broken.includes(rule)), []);
});

test('pages have nothing inline, and names reach the document only as text', () => {
  for (const name of ['chat/chat.html', 'hospital/hospital.html', 'lab/lab.html']) assert.doesNotMatch(page(name), /<script>|<style|\sstyle=|\son[a-z]+=|javascript:/i, name);
  const files = readdirSync(new URL('../../src/bin/enchufe/pages/', import.meta.url), { recursive: true });
  for (const name of files.filter((file) => file.endsWith('.js'))) {
    assert.doesNotMatch(page(name), /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function/, name);
  }
});
