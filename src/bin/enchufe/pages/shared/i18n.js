// The words of a page in the reader's language: Spanish or English, English when in doubt.
// A page holds its English text; where an element has `data-t="key"` the dictionary's words replace it.

/** The first language of `wanted` that we speak. */
export function pick(wanted) {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0];
    if (language === 'es' || language === 'en') return language;
  }
  return 'en';
}

/** Translates the page and returns `t(key, ...values)`. A dictionary maps a language to keys, a key to words or to a function. */
export function speak(dictionary) {
  const language = pick(navigator.languages ?? [navigator.language]);
  const words = { ...shared[language], ...dictionary[language] };
  const t = (key, ...values) => {
    const entry = words[key] ?? key;
    return typeof entry === 'function' ? entry(...values) : entry;
  };

  document.documentElement.lang = language;
  for (const element of document.querySelectorAll('[data-t]')) element.textContent = t(element.dataset.t);
  for (const [data, attribute] of Object.entries(attributes)) {
    for (const element of document.querySelectorAll(`[data-${data}]`)) {
      element.setAttribute(attribute, t(element.getAttribute(`data-${data}`)));
    }
  }
  return t;
}

const attributes = { 't-label': 'aria-label', 't-placeholder': 'placeholder', 't-title': 'title' };

export const shared = {
  en: {
    skip: 'Skip to content',
    pages: 'Pages',
    chat: 'Chat',
    lab: 'Lab',
    hospital: 'Hospital',
    token: 'Token',
    'token-wanted': 'This server takes only those who bring a token. Whoever runs it has one for you.',
    'token-wrong': 'The server does not know this token. Try another one.',
    'token-yes': 'Go on',
    'token-no': 'Cancel',
  },
  es: {
    skip: 'Ir al contenido',
    pages: 'Páginas',
    chat: 'Chat',
    lab: 'Laboratorio',
    hospital: 'Hospital',
    token: 'Clave',
    'token-wanted': 'Este servidor solo admite a quien trae una clave. Quien lo administra tiene una para ti.',
    'token-wrong': 'El servidor no conoce esta clave. Prueba con otra.',
    'token-yes': 'Continuar',
    'token-no': 'Cancelar',
  },
};
