/** Tabs, of which one is shown. What is behind one begins when it is first chosen. */
import { found } from './element.ts';

export function tabs(
  list: HTMLElement,
  begin: Readonly<Record<string, (panel: HTMLElement) => void>>,
): (name: string) => void {
  const all = [...list.querySelectorAll<HTMLButtonElement>('[role=tab]')];
  const begun = new Set<string>();
  const nameOf = (tab: HTMLElement): string => tab.dataset.tab!;
  const panelOf = (tab: HTMLElement): HTMLElement => found(`#${tab.getAttribute('aria-controls')}`);

  function choose(chosen: HTMLButtonElement): void {
    for (const tab of all) {
      const isChosen = tab === chosen;
      tab.setAttribute('aria-selected', String(isChosen));
      tab.tabIndex = isChosen ? 0 : -1;
      panelOf(tab).hidden = !isChosen;
    }
    const name = nameOf(chosen);
    if (begun.has(name)) return;
    begun.add(name);
    begin[name]?.(panelOf(chosen));
  }

  for (const tab of all) tab.addEventListener('click', () => choose(tab));
  list.addEventListener('keydown', (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = all.findIndex((tab) => tab.getAttribute('aria-selected') === 'true');
    const next = all[(at + step + all.length) % all.length]!;
    choose(next);
    next.focus();
  });
  choose(all[0]!);
  return (name) => {
    const tab = all.find((one) => nameOf(one) === name);
    if (tab !== undefined) choose(tab);
  };
}
