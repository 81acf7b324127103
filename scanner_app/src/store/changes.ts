/** `written`: there may be something to send. `synced`: something is known that was not before. `full`: no room was left. */
export type Change = "written" | "synced" | "full";

/** A person has seen by then what the change is to them. */
export const LEISURE_MILLISECONDS = 300;

/** Tells every tab that the journal changed. */
export class Changes {
  private readonly channel: BroadcastChannel;
  private readonly listeners = new Set<(change: Change) => void>();

  constructor(name: string) {
    this.channel = new BroadcastChannel(name);
    this.channel.onmessage = ({ data }: MessageEvent<Change>) => this.tellHere(data);
  }

  tell(change: Change): void {
    this.channel.postMessage(change);
    this.tellHere(change);
  }

  /** Returns how to stop listening. */
  listen(listener: (change: Change) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** For work that nobody watches: done once for all that changed in a little while, and not before the screen has changed. */
  listenAtLeisure(listener: () => void): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = this.listen(() => {
      timer ??= setTimeout(() => {
        timer = undefined;
        listener();
      }, LEISURE_MILLISECONDS);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }

  close(): void {
    this.channel.close();
    this.listeners.clear();
  }

  private tellHere(change: Change): void {
    for (const listener of [...this.listeners]) listener(change);
  }
}
