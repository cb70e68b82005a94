/** Light or dark: as the machine has it, until the person chooses. */

const NAME = 'theme';

export function themeButton(button: HTMLButtonElement): void {
  const isDark = matchMedia('(prefers-color-scheme: dark)');
  let chosen = remembered();
  const current = (): string => chosen ?? (isDark.matches ? 'dark' : 'light');
  const show = (): void => {
    if (chosen !== undefined) document.documentElement.dataset.theme = chosen;
    button.textContent = current() === 'dark' ? 'Light' : 'Dark';
    button.setAttribute(
      'aria-label',
      current() === 'dark' ? 'Change to light colours' : 'Change to dark colours',
    );
  };
  button.addEventListener('click', () => {
    chosen = current() === 'dark' ? 'light' : 'dark';
    remember(chosen);
    show();
  });
  isDark.addEventListener('change', show);
  show();
}

/** Some private windows have no storage. */
function remembered(): string | undefined {
  try {
    const value = localStorage.getItem(NAME);
    return value === 'dark' || value === 'light' ? value : undefined;
  } catch {
    return undefined;
  }
}

function remember(value: string): void {
  try {
    localStorage.setItem(NAME, value);
  } catch {
    // It is asked for again the next time.
  }
}
