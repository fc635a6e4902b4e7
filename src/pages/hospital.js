// The board of hospitals and beds, live: every event makes us ask for the whole board, and what differs is changed in place,
// so that the keyboard focus stays where it is. Text reaches the page only as text.

import { Hub } from './signalr.js';

const $ = (id) => document.getElementById(id);

const texts = {
  es: {
    lang: 'es',
    document: 'Hospitales — enchufe',
    skip: 'Saltar al contenido',
    lab: 'Laboratorio',
    hospital: 'Hospital',
    title: 'Hospitales y camas',
    lead: 'Un tablero para todos: lo que cambias aquí lo ve al momento quien tenga abierta esta página.',
    name: 'Nombre del hospital',
    create: 'Crear hospital',
    hospitals: 'Hospitales',
    beds: 'Camas',
    'free-beds': 'Libres',
    'taken-beds': 'Ocupadas',
    empty: 'Todavía no hay ningún hospital. Crea el primero.',
    wire: 'Lo que viaja por el cable',
    'wire-lead': 'Los últimos registros del protocolo JSON de SignalR; cada uno termina en el carácter 0x1E.',
    cancel: 'Cancelar',
    delete: 'Eliminar',
    now: 'Ahora',
    connecting: 'Conectando…',
    open: 'En directo',
    waiting: 'Sin conexión',
    again: (seconds) => `nuevo intento en ${seconds} s`,
    offline: 'Sin conexión: nada ha cambiado.',
    lost: 'La conexión se perdió; no se sabe si llegó el cambio.',
    refused: 'El servidor no lo aceptó.',
    failed: {
      CrearHospital: 'No se pudo crear: el nombre está vacío o es demasiado largo, o el tablero está lleno.',
      CrearCama: 'No se pudo añadir: el hospital ya no existe o el tablero está lleno.',
      other: 'No se pudo: ya no existe.',
    },
    bed: (order) => `Cama ${order}`,
    free: 'libre',
    taken: 'ocupada',
    add: '+ Añadir cama',
    addTo: (name) => `Añadir una cama a ${name}`,
    deleteHospital: (name) => `Eliminar ${name}`,
    deleteBed: (order) => `Quitar la cama ${order}`,
    sureHospital: (name, beds) => `¿Eliminar «${name}» y ${beds === 1 ? 'su cama' : `sus ${beds} camas`}?`,
    sureBed: (order, name) => `La cama ${order} de «${name}» está ocupada. ¿Quitarla?`,
    count: (beds, taken) => (beds === 0 ? 'Sin camas' : `${taken} de ${beds} ${beds === 1 ? 'ocupada' : 'ocupadas'}`),
  },
  en: {
    lang: 'en',
    document: 'Hospitals — enchufe',
    skip: 'Skip to the content',
    lab: 'Lab',
    hospital: 'Hospital',
    title: 'Hospitals and beds',
    lead: 'One board for everybody: whoever has this page open sees at once what you change here.',
    name: 'Name of the hospital',
    create: 'Create hospital',
    hospitals: 'Hospitals',
    beds: 'Beds',
    'free-beds': 'Free',
    'taken-beds': 'Occupied',
    empty: 'There is no hospital yet. Create the first one.',
    wire: 'What travels on the wire',
    'wire-lead': 'The latest records of the SignalR JSON protocol; each one ends in the character 0x1E.',
    cancel: 'Cancel',
    delete: 'Delete',
    now: 'Now',
    connecting: 'Connecting…',
    open: 'Live',
    waiting: 'No connection',
    again: (seconds) => `next attempt in ${seconds} s`,
    offline: 'No connection: nothing was changed.',
    lost: 'The connection was lost; whether the change arrived is not known.',
    refused: 'The server did not accept that.',
    failed: {
      CrearHospital: 'Not created: the name is empty or too long, or the board is full.',
      CrearCama: 'Not added: the hospital is gone or the board is full.',
      other: 'Not done: it is gone.',
    },
    bed: (order) => `Bed ${order}`,
    free: 'free',
    taken: 'occupied',
    add: '+ Add bed',
    addTo: (name) => `Add a bed to ${name}`,
    deleteHospital: (name) => `Delete ${name}`,
    deleteBed: (order) => `Remove bed ${order}`,
    sureHospital: (name, beds) => `Delete “${name}” and its ${beds === 1 ? 'bed' : `${beds} beds`}?`,
    sureBed: (order, name) => `Bed ${order} of “${name}” is occupied. Remove it?`,
    count: (beds, taken) => (beds === 0 ? 'No beds' : `${taken} of ${beds} occupied`),
  },
};

const language = navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => tag in texts) ?? 'en';
const text = texts[language];
document.documentElement.lang = text.lang;
document.title = text.document;
for (const element of document.querySelectorAll('[data-text]')) element.textContent = text[element.dataset.text];

// The connection

const hub = new Hub('/socket', { state: showState, invocation: hear, record: showRecord });
let ticking;

function showState(state, { until } = {}) {
  const open = state === 'open';
  $('dot').className = `dot ${{ open: 'ok', connecting: 'hollow', waiting: 'bad' }[state]}`;
  $('state').textContent = text[state];
  $('now').hidden = $('countdown').hidden = state !== 'waiting';
  document.body.classList.toggle('away', !open);
  for (const button of document.querySelectorAll('[data-act]')) button.ariaDisabled = String(!open);
  clearInterval(ticking);
  if (state === 'waiting') {
    // Not part of the status: nobody wants to be read every second.
    const tick = () => ($('countdown').textContent = text.again(Math.max(0, Math.ceil((until - Date.now()) / 1000))));
    ticking = setInterval(tick, 1000);
    tick();
  }
  if (open) {
    asked = false;
    refresh();
  }
}

$('now').onclick = () => hub.now();
addEventListener('online', () => hub.now());
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
  if (hub.state !== 'open') return tell(text.offline);
  button.ariaBusy = 'true';
  try {
    // The hub tells everybody 0 or -1, and us that just before it completes the call.
    const [, result] = await hub.invoke(method, argument);
    return result === 0 ? tell('') : tell(text.failed[method] ?? text.failed.other);
  } catch {
    return tell(hub.state === 'open' ? text.refused : text.lost);
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

  part('.delete').textContent = text.delete;
  part('.add').textContent = text.add;
  ready(element);
  part('.add').onclick = ({ currentTarget }) => change(currentTarget, 'CrearCama', id);
  part('.delete').onclick = async ({ currentTarget }) => {
    if (camas.length > 0 && !(await sure(text.sureHospital(name, camas.length)))) return;
    change(currentTarget, 'EliminarHospital', id);
  };

  function update(data) {
    ({ nombre: name, camas } = data);
    const taken = camas.filter((bed) => bed.estaOcupado).length;
    part('h2').textContent = name;
    part('.delete').ariaLabel = text.deleteHospital(name);
    part('.add').ariaLabel = text.addTo(name);
    part('.count').textContent = text.count(camas.length, taken);
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
    if (taken && !(await sure(text.sureBed(order, hospital())))) return;
    change(remove, 'EliminarCama', id);
  };

  function update({ orden, estaOcupado }) {
    const changed = estaOcupado !== taken;
    [order, taken] = [orden, estaOcupado];
    toggle.ariaPressed = String(taken);
    remove.ariaLabel = text.deleteBed(order);
    element.querySelector('.which').textContent = text.bed(order);
    element.querySelector('.how').textContent = taken ? text.taken : text.free;
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
