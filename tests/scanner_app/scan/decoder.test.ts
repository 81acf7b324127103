import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type Decoder, makeDecoder, ReaderFailed } from "../../../scanner_app/src/scan/decoder.ts";
import { KEPT_MILLISECONDS, ReaderWorker } from "../../../scanner_app/src/scan/reader_worker.ts";
import type { Look } from "../../../scanner_app/src/scan/worker.ts";

const VIDEO = { videoWidth: 1280 } as HTMLVideoElement;

/** A worker that answers what it is told to; undefined: nothing at all. */
class Answering {
  static answer: Look | undefined;
  static newest: Answering | undefined;
  onmessage: ((event: { data: Look }) => void) | undefined;
  onerror: ((event: { message?: string }) => void) | undefined;
  asked = 0;
  isTerminated = false;

  constructor() {
    Answering.newest = this;
  }
  postMessage(): void {
    this.asked += 1;
    const look = Answering.answer;
    if (look !== undefined) queueMicrotask(() => this.onmessage?.({ data: look }));
  }
  terminate(): void {
    this.isTerminated = true;
  }
}

beforeEach(() => {
  vi.stubGlobal("Worker", Answering);
  vi.stubGlobal("createImageBitmap", async () => ({ close: () => undefined }));
  Answering.answer = undefined;
});
afterEach(() => {
  vi.useRealTimers();
  // What a test handed on is not another's.
  ReaderWorker.take();
  vi.unstubAllGlobals();
});

async function readingDecoder(): Promise<Decoder> {
  const decoder = await makeDecoder();
  Answering.answer = { text: undefined };
  await decoder.decode(VIDEO);
  return decoder;
}

describe("a decoder", () => {
  it("gives what was read, or nothing", async () => {
    const decoder = await makeDecoder();
    Answering.answer = { text: "8004/1" };
    expect(await decoder.decode(VIDEO)).toBe("8004/1");
    Answering.answer = { text: undefined };
    expect(await decoder.decode(VIDEO)).toBeUndefined();
  });

  it("does not look at a video without a picture", async () => {
    const decoder = await makeDecoder();
    expect(await decoder.decode({ videoWidth: 0 } as HTMLVideoElement)).toBeUndefined();
  });

  it("says why a look failed, and reads the next frame", async () => {
    const decoder = await makeDecoder();
    Answering.answer = { failure: "no wasm" };
    await expect(decoder.decode(VIDEO)).rejects.toThrow(new ReaderFailed("no wasm"));
    Answering.answer = { text: "8004/1" };
    expect(await decoder.decode(VIDEO)).toBe("8004/1");
  });

  it("fails rather than waits where its worker is not there", async () => {
    const decoder = await makeDecoder();
    const waiting = decoder.decode(VIDEO);
    await vi.waitFor(() => expect(Answering.newest?.asked).toBe(1));
    Answering.newest?.onerror?.({ message: "404" });
    await expect(waiting).rejects.toThrow(new ReaderFailed("404"));
    await expect(decoder.decode(VIDEO)).rejects.toThrow("404");
  });

  it("fails also where that is known before the frame is", async () => {
    const decoder = await makeDecoder();
    const waiting = decoder.decode(VIDEO);
    Answering.newest?.onerror?.({ message: "404" });
    await expect(waiting).rejects.toThrow("404");
  });

  it("fails again and again where the browser does not say why", async () => {
    const decoder = await makeDecoder();
    Answering.newest?.onerror?.({});
    for (let frame = 0; frame < 3; frame += 1)
      await expect(decoder.decode(VIDEO)).rejects.toThrow(ReaderFailed);
    expect(Answering.newest?.asked).toBe(0);
  });

  it("ends a worker that has shown nothing", async () => {
    const decoder = await makeDecoder();
    decoder.close();
    expect(Answering.newest?.isTerminated).toBe(true);
  });

  it("hands its worker on, until nobody has wanted it for long", async () => {
    vi.useFakeTimers();
    const first = await readingDecoder();
    const worker = Answering.newest;
    first.close();
    vi.advanceTimersByTime(KEPT_MILLISECONDS - 1);
    const second = await readingDecoder();
    expect(Answering.newest).toBe(worker);
    vi.advanceTimersByTime(KEPT_MILLISECONDS);
    expect(worker?.isTerminated).toBe(false);
    second.close();
    vi.advanceTimersByTime(KEPT_MILLISECONDS);
    expect(worker?.isTerminated).toBe(true);
    await readingDecoder();
    expect(Answering.newest).not.toBe(worker);
  });

  it("keeps one worker only", async () => {
    const [first, second] = [await readingDecoder(), Answering.newest];
    const other = await readingDecoder();
    first.close();
    other.close();
    expect(second?.isTerminated).toBe(true);
    expect(Answering.newest?.isTerminated).toBe(false);
  });

  it("begins anew after a look that failed", async () => {
    const decoder = await readingDecoder();
    const worker = Answering.newest;
    Answering.answer = { failure: "no memory" };
    await expect(decoder.decode(VIDEO)).rejects.toThrow("no memory");
    decoder.close();
    expect(worker?.isTerminated).toBe(true);
    await makeDecoder();
    expect(Answering.newest).not.toBe(worker);
  });

  it("does not hand on a worker that is still looking", async () => {
    const decoder = await readingDecoder();
    Answering.answer = undefined;
    void decoder.decode(VIDEO);
    await vi.waitFor(() => expect(Answering.newest?.asked).toBe(2));
    decoder.close();
    expect(Answering.newest?.isTerminated).toBe(true);
  });

  it("takes the phone's own reader, and tells when that fails", async () => {
    const detect = vi.fn(async (): Promise<{ rawValue: string }[]> => [{ rawValue: "8004/1" }]);
    class Detector {
      static getSupportedFormats = async () => ["qr_code"];
      detect = detect;
    }
    vi.stubGlobal("BarcodeDetector", Detector);
    const decoder = await makeDecoder();
    expect(await decoder.decode(VIDEO)).toBe("8004/1");
    detect.mockResolvedValueOnce([{ rawValue: "" }]);
    expect(await decoder.decode(VIDEO)).toBeUndefined();
    detect.mockRejectedValueOnce(new DOMException("service not there", "NotSupportedError"));
    await expect(decoder.decode(VIDEO)).rejects.toBeInstanceOf(ReaderFailed);
  });
});
