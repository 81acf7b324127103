/** The reader's own thread. Starting one costs more than a scan, so one that was let go waits for the next screen. */
import type { Picture } from "./pixels.ts";
import type { Look } from "./worker.ts";

/** From one bin to the next it is seldom longer; then its memory is given back. */
export const KEPT_MILLISECONDS = 5 * 60_000;

let kept: { readonly reader: ReaderWorker; readonly timer: ReturnType<typeof setTimeout> } | undefined;

export class ReaderWorker {
  private readonly worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  private broken: string | undefined;
  private isSound = false;
  private answer = (_look: Look): void => undefined;

  private constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<Look>) => this.answer(data);
    this.worker.onerror = ({ message }) => {
      // A worker that could not be loaded answers nothing, ever; and of that the browser says nothing more.
      this.broken = message ?? "not loaded";
      this.answer({ failure: this.broken });
    };
  }

  /** The one that was let go last, or a new one. */
  static take(): ReaderWorker {
    const reader = kept?.reader;
    clearTimeout(kept?.timer);
    kept = undefined;
    return reader ?? new ReaderWorker();
  }

  /** Looks at one frame, which is used up; one look at a time. */
  async look(frame: Picture): Promise<Look> {
    this.isSound = false;
    const look = await this.lookAt(frame);
    this.isSound = "text" in look;
    return look;
  }

  private async lookAt(frame: Picture): Promise<Look> {
    if (this.broken !== undefined) {
      frame.close();
      return { failure: this.broken };
    }
    return new Promise<Look>((resolve) => {
      this.answer = resolve;
      this.worker.postMessage(frame, [frame]);
    });
  }

  /** Nobody looks any more. One whose last look failed, or is still out, is not given to anybody else. */
  letGo(): void {
    if (!this.isSound) return this.worker.terminate();
    kept?.reader.worker.terminate();
    clearTimeout(kept?.timer);
    const end = () => {
      this.worker.terminate();
      kept = undefined;
    };
    kept = { reader: this, timer: setTimeout(end, KEPT_MILLISECONDS) };
  }
}
