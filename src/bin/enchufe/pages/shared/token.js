// The token for a server that asks for one. It comes behind `#token=` in the page's own address, which no server gets to see, or
// from the person, and stays with the tab. It travels in a header or a subprotocol: addresses end up in logs.

import { build } from './dom.js';

/** The header fields that bring it, for `fetch`. */
export const fields = () => (token ? { Authorization: `Bearer ${token}` } : {});

/** The same for a WebSocket, which cannot send fields of its own: the server agrees on the first of these. */
export const subprotocols = () => (token ? ['bearer', `bearer.${token}`] : []);

/** Whether it is for want of the right token that `path` refuses us: a browser does not say why a WebSocket was refused. */
export async function isWanted(path) {
  try {
    return (await fetch(path, { headers: fields(), cache: 'no-store' })).status === 401;
  } catch {
    return false;
  }
}

/** Asks the person; true when there is a token to try. */
export function ask(t) {
  const input = build('input');
  Object.assign(input, { type: 'password', id: 'token', autocomplete: 'off', required: true, pattern: '[\\-A-Za-z0-9._~+\\/]+=*' });
  const label = build('label', t('token'));
  label.htmlFor = 'token';
  const [no, yes] = [build('button', t('token-no')), build('button.primary', t('token-yes'))];
  Object.assign(no, { value: 'no', formNoValidate: true });
  yes.value = 'yes';
  const why = build('p', t(token ? 'token-wrong' : 'token-wanted'));
  const form = build('form', why, build('div.field', label, input), build('div.row', no, yes));
  form.method = 'dialog';
  const dialog = build('dialog.card', form);
  dialog.ariaLabel = t('token');
  // Enter presses the first button of a form, which is no.
  input.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    form.requestSubmit(yes);
  });
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  return new Promise((resolve) => {
    dialog.addEventListener('close', () => {
      const given = dialog.returnValue === 'yes';
      if (given) hold(input.value);
      dialog.remove();
      resolve(given);
    });
  });
}

/** The token in the fragment of an address; empty if there is none. */
export function tokenIn(fragment) {
  return new URLSearchParams(fragment.replace(/^#/, '').replaceAll('+', '%2B')).get('token') ?? '';
}

export function hold(given) {
  token = given;
  try {
    sessionStorage.setItem(KEY, token);
  } catch {
    // storage can be forbidden: then it is held by this page alone
  }
}

/** Takes the token out of the address, where it would be seen and kept as a bookmark. */
function takeFromAddress() {
  const given = tokenIn(location.hash);
  if (!given) return;
  hold(given);
  history.replaceState(history.state, '', location.pathname + location.search);
}

function remembered() {
  try {
    return sessionStorage.getItem(KEY) ?? '';
  } catch {
    return '';
  }
}

const KEY = 'enchufe-token';

let token = remembered();
if (typeof location !== 'undefined') takeFromAddress();
