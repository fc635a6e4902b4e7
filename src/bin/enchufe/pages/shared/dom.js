// Elements from code. Strings become text, never markup, whoever wrote them.

export const $ = (id) => document.getElementById(id);

/** `build('li.line.mine', child, …)`: an element with classes; empty children are left out. */
export function build(what, ...children) {
  const [tag, ...classes] = what.split('.');
  const element = document.createElement(tag);
  if (classes.length > 0) element.className = classes.join(' ');
  element.append(...children.filter((child) => child || child === 0));
  return element;
}

export function button(what, words, act) {
  const element = build(`button${what}`, words);
  element.type = 'button';
  element.addEventListener('click', act);
  return element;
}
