import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fields, hold, isWanted, subprotocols, tokenIn } from '../../src/bin/enchufe/pages/shared/token.js';

test('the token stands in the fragment, by itself or among others', () => {
  assert.equal(tokenIn('#token=abc'), 'abc');
  assert.equal(tokenIn('#a=b&token=a%2Bb/c+d~=='), 'a+b/c+d~==');
  assert.equal(tokenIn('#frame=81'), '');
  assert.equal(tokenIn(''), '');
});

test('without a token nothing is brought, with one it is a field or a subprotocol', () => {
  hold('');
  assert.deepEqual(fields(), {});
  assert.deepEqual(subprotocols(), []);
  hold('abc');
  assert.deepEqual(fields(), { Authorization: 'Bearer abc' });
  assert.deepEqual(subprotocols(), ['bearer', 'bearer.abc']);
});

test('a token is wanted where the answer is 401, and not where there is none', async () => {
  const asked = [];
  const answers = [async () => ({ status: 401 }), async () => ({ status: 426 }), async () => Promise.reject(new Error('down'))];
  globalThis.fetch = (path, { headers }) => {
    asked.push([path, headers]);
    return answers.shift()();
  };
  hold('abc');
  assert.deepEqual([await isWanted('/a'), await isWanted('/a'), await isWanted('/a')], [true, false, false]);
  assert.deepEqual(asked[0], ['/a', { Authorization: 'Bearer abc' }]);
});
