// The board of hospitals and beds, live: every event makes us ask for the whole board, and what differs is changed in place,
// so that the keyboard focus stays where it is. Text reaches the page only as text.

import { speak } from '../shared/i18n.js';
import { ask, isWanted } from '../shared/token.js';
import { words } from './i18n.js';
import { Hub } from './signalr.js';

const $ = (id) => document.getElementById(id);
const t = speak(words);
document.title = `${t('title')} · enchufe`;

// The connection

const PATH = '/socket';
const hub = new Hub(PATH, { state: showState, invocation: hear, record: showRecord });
let ticking;

function showState(state, { until = 0 } = {}) {
  const open = state === 'open';
  $('dot').className = `dot ${{ open: 'ok', connecting: 'hollow', waiting: 'bad' }[state]}`;
  $('state').textContent = t(state);
  $('now').hidden = $('countdown').hidden = state !== 'waiting';
  document.body.classList.toggle('away', !open);
  for (const button of document.querySelectorAll('[data-act]')) button.ariaDisabled = String(!open);
  clearInterval(ticking);
  if (state === 'waiting') {
    // Not part of the status: nobody wants to be read every second.
    const tick = () => ($('countdown').textContent = t('again', Math.max(0, Math.ceil((until - Date.now()) / 1000))));
    ticking = setInterval(tick, 1000);
    tick();
  }
  if (open) {
    entered = true;
    asked = false;
    refresh();
  }
  if (state === 'waiting' && !entered) unlock();
}

let entered = false;
let asking = false;

/** The first attempt failed: perhaps a token opens. */
async function unlock() {
  if (asking) return;
  asking = true;
  if ((await isWanted(PATH)) && (await ask(t))) hub.now();
  asking = false;
}

$('now').onclick = () => hub.now();
addEventListener('online', () => hub.now());
addEventListener('pagehide', () => hub.pause());
addEventListener('pageshow', () => hub.now());
document.addEventListener('visibilitychange', () => document.hidden || hub.now());

// Asking for the board: one question at a time, and one more if something happened meanwhile.

let asked = false;
let again = false;

function refresh() {
  again = asked;
  if (asked) return;
  asked = true;
  hub.send('VerEstadoActual');
}

function hear(target, args) {
  if (target !== 'EstadoRecibido') return refresh();
  asked = false;
  show(args[0]);
  if (again) setTimeout(refresh, 100);
}

/** Asks the hub for a change; true when it was made. */
async function change(button, method, argument) {
  if (button.ariaBusy === 'true') return false;
  if (hub.state !== 'open') return tell(t('offline'));
  button.ariaBusy = 'true';
  try {
    // The hub tells everybody 0 or -1, and us that just before it completes the call.
    const [, result] = await hub.invoke(method, argument);
    return result === 0 ? tell('') : tell(t(method.startsWith('Crear') ? `failed-${method}` : 'gone'));
  } catch {
    return tell(hub.state === 'open' ? t('refused') : t('lost'));
  } finally {
    button.ariaBusy = 'false';
  }
}

/** Shows a note, or takes it away; true when there is nothing to say. */
function tell(note) {
  $('note').hidden = note === '';
  $('note').textContent = note;
  return note === '';
}

function sure(question) {
  const dialog = $('sure');
  $('question').textContent = question;
  dialog.returnValue = 'no';
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === 'yes');
  });
}

// The board

const board = { items: new Map(), first: true };

function show(hospitals) {
  const all = hospitals.flatMap(({ camas }) => camas);
  const taken = all.filter((bed) => bed.estaOcupado).length;
  const totals = { hospitals: hospitals.length, beds: all.length, free: all.length - taken, taken };
  for (const [id, number] of Object.entries(totals)) $(id).textContent = number;
  $('totals').hidden = $('empty').hidden = true;
  $(hospitals.length > 0 ? 'totals' : 'empty').hidden = false;

  arrange($('board'), board, hospitals, newHospital, () => $('name').focus());
}

/**
 * Makes the children of `list` those of `wanted`, by id: new ones with `make(id)`, and each told its data with `update`.
 * When the one that goes had the focus, `refocus` gives it a new place. What changed after the first time lights up.
 */
function arrange(list, known, wanted, make, refocus) {
  const ids = new Set(wanted.map(({ id }) => id));
  for (const [id, item] of known.items) {
    if (ids.has(id)) continue;
    const focused = item.element.contains(document.activeElement);
    item.element.remove();
    known.items.delete(id);
    if (focused) refocus();
  }
  wanted.forEach((data, index) => {
    let item = known.items.get(data.id);
    const isNew = item === undefined;
    if (isNew) {
      item = make(data.id);
      known.items.set(data.id, item);
    }
    if (list.children[index] !== item.element) list.insertBefore(item.element, list.children[index] ?? null);
    const changed = item.update(data);
    if ((isNew || changed) && !known.first) lightUp(item.element);
  });
  known.first = false;
}

function lightUp(element) {
  element.classList.remove('changed');
  void element.offsetWidth; // starts the animation anew
  element.classList.add('changed');
}

function newHospital(id) {
  const element = $('hospital-template').content.firstElementChild.cloneNode(true);
  const part = (name) => element.querySelector(name);
  const beds = { items: new Map(), first: true };
  let name;
  let camas;

  part('.delete').textContent = t('delete');
  part('.add').textContent = t('add');
  ready(element);
  part('.add').onclick = ({ currentTarget }) => change(currentTarget, 'CrearCama', id);
  part('.delete').onclick = async ({ currentTarget }) => {
    if (camas.length > 0 && !(await sure(t('sureHospital', name, camas.length)))) return;
    change(currentTarget, 'EliminarHospital', id);
  };

  function update(data) {
    ({ nombre: name, camas } = data);
    const taken = camas.filter((bed) => bed.estaOcupado).length;
    part('h2').textContent = name;
    part('.delete').ariaLabel = t('deleteHospital', name);
    part('.add').ariaLabel = t('addTo', name);
    part('.count').textContent = t('count', camas.length, taken);
    part('.bar').classList.toggle('none', camas.length === 0);
    part('.bar span').style.width = `${camas.length > 0 ? (100 * taken) / camas.length : 0}%`;
    arrange(part('.beds'), beds, camas, (bed) => newBed(bed, () => name), () => part('.add').focus());
    return false;
  }
  return { element, update };
}

function newBed(id, hospital) {
  const element = $('bed-template').content.firstElementChild.cloneNode(true);
  const [toggle, remove] = element.querySelectorAll('button');
  let order;
  let taken;

  ready(element);
  toggle.onclick = () => change(toggle, taken ? 'DesocuparCama' : 'OcuparCama', id);
  remove.onclick = async () => {
    if (taken && !(await sure(t('sureBed', order, hospital())))) return;
    change(remove, 'EliminarCama', id);
  };

  function update({ orden, estaOcupado }) {
    const changed = estaOcupado !== taken;
    [order, taken] = [orden, estaOcupado];
    toggle.ariaPressed = String(taken);
    remove.ariaLabel = t('deleteBed', order);
    element.querySelector('.which').textContent = t('bed', order);
    element.querySelector('.how').textContent = taken ? t('taken') : t('free');
    return changed;
  }
  return { element, update };
}

function ready(element) {
  for (const button of element.querySelectorAll('[data-act]')) button.ariaDisabled = String(hub.state !== 'open');
}

$('new').onsubmit = async (event) => {
  event.preventDefault();
  const name = $('name').value;
  const button = event.currentTarget.querySelector('button');
  if ((await change(button, 'CrearHospital', name)) && $('name').value === name) $('name').value = '';
};

// The records, for those who want to see them

const records = [];

function showRecord(direction, record) {
  records.push([direction, record]);
  if (records.length > 50) records.shift();
  if ($('wire').open) showRecords();
}

function showRecords() {
  const list = $('records');
  list.replaceChildren(
    ...records.map(([direction, record]) => {
      const item = document.createElement('li');
      item.className = direction === '>' ? 'out' : 'in';
      item.textContent = record.length > 400 ? `${record.slice(0, 300)} … ${record.slice(-80)}` : record;
      return item;
    }),
  );
  list.scrollTop = list.scrollHeight;
}

$('wire').ontoggle = showRecords;

hub.connect();
