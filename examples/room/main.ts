/** Who is here, where they point, and what they say. The key and the peer come in the page's address. */
import { Connections, Feed, memoryStorage } from 'hypercore-wire';
import { type Member, Room } from 'hypercore-wire/extension';
import { dialWebSocket } from 'hypercore-wire/transport/websocket';

/** What each member says of itself. It comes from others: nothing of it is certain but that they said it. */
interface State {
  readonly name: string;
  /** Where they point, as parts of the board's width and height. */
  readonly cursor?: { readonly x: number; readonly y: number } | undefined;
}

const find = <E extends Element>(selector: string): E => document.querySelector<E>(selector)!;
const status = find('[role=status]');
const board = find<HTMLElement>('#board');
const nameInput = find<HTMLInputElement>('[name=name]');
const lineInput = find<HTMLInputElement>('[name=line]');

const address = new URLSearchParams(location.search);
const [key, url] = [address.get('key') ?? '', address.get('url') ?? ''];

/** A colour of one's own, by which the others know a member again as long as it is here. */
const hueOf = (id: string): number => Number.parseInt(id.slice(0, 6), 16) % 360;

function element(tag: string, text: string, id: string): HTMLElement {
  const made = document.createElement(tag);
  made.textContent = text;
  made.style.setProperty('--hue', `${hueOf(id)}`);
  return made;
}

async function enter(): Promise<void> {
  const room = await Room.open<State, string>({ key });
  let state: State = { name: (nameInput.value = `guest ${room.id.slice(0, 4)}`) };
  const say = (more: Partial<State>): void => room.set((state = { ...state, ...more }));
  say({});

  const show = (): void => {
    const members = [...room.members.values()];
    find('ul').replaceChildren(
      element('li', `${state.name} (you)`, room.id),
      ...members.map(({ id, role, state: { name } }) =>
        element('li', role === 'author' ? `${name} (the feed's author)` : `${name}`, id),
      ),
    );
    board.replaceChildren(...members.flatMap(pointer));
  };
  const tell = (name: string, text: string, id: string): void => {
    const item = document.createElement('li');
    item.append(element('b', name, id), ` ${text}`);
    find('ol').append(item);
    item.scrollIntoView({ block: 'nearest' });
  };
  room.subscribe((event) => {
    if (event.type === 'message')
      tell(room.members.get(event.sender.id)?.state.name ?? 'somebody', `${event.message}`, event.sender.id);
    if (event.type === 'dropped' && (event.reason === 'expired' || event.reason === 'future'))
      status.textContent = `A clock is wrong, this one or theirs: they are ${event.skewMs} ms apart.`;
    show();
  });
  show();

  board.addEventListener('pointermove', ({ clientX, clientY }) => {
    const { left, top, width, height } = board.getBoundingClientRect();
    say({ cursor: { x: (clientX - left) / width, y: (clientY - top) / height } });
  });
  board.addEventListener('pointerleave', () => say({ cursor: undefined }));
  nameInput.addEventListener('input', () => {
    say({ name: nameInput.value });
    show();
  });
  find('form').addEventListener('submit', (event) => {
    event.preventDefault();
    room.send(lineInput.value);
    tell(state.name, lineInput.value, room.id);
    lineInput.value = '';
  });
  // The others know at once. A page that dies without a word is missed after a while.
  addEventListener('pagehide', () => room.leave());
  // It may be shown again, out of the browser's cache.
  addEventListener('pageshow', ({ persisted }) => persisted && say({}));
  await stayConnected(room);
}

function pointer({ id, state }: Member<State>): HTMLElement[] {
  const { name, cursor } = state;
  if (cursor === undefined || !(cursor.x >= 0 && cursor.x <= 1 && cursor.y >= 0 && cursor.y <= 1)) return [];
  const made = element('i', `${name}`, id);
  made.style.left = `${100 * cursor.x}%`;
  made.style.top = `${100 * cursor.y}%`;
  return [made];
}

/** Dials again whenever the connection is lost; the room goes on. */
async function stayConnected(room: Room<State, string>): Promise<void> {
  // The room is all that is wanted of the feed: sparse, nothing of it is downloaded.
  const feed = await Feed.open(memoryStorage(), { key, sparse: true });
  const connections = new Connections({ feeds: feed, extensions: [room] });
  connections.subscribe((event) => {
    if (event.type === 'connected') status.textContent = 'You are in the room.';
    if (event.type === 'retry') status.textContent = `${messageOf(event.error)}. Trying again …`;
    if (event.type === 'gave-up') status.textContent = messageOf(event.error);
  });
  status.textContent = 'Connecting …';
  connections.keep((signal) => dialWebSocket(url, { signal }));
  addEventListener('online', () => connections.retry());
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : `${error}`);

if (key && url) enter().catch((error: Error) => (status.textContent = error.message));
else status.textContent = 'Run "node peer.mjs" in this folder: it opens a room, and prints a link.';
