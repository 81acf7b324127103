/** A camera picture with a frame to aim by, and every text that is read in it. */
import { type Camera, openCamera } from "../scan/camera.ts";
import { type Decoder, makeDecoder, ReaderFailed } from "../scan/decoder.ts";
import type { Page } from "./app.ts";
import { fill, h } from "./dom.ts";
import { button, iconButton, notice } from "./pieces.ts";

export interface Scanner {
  readonly element: HTMLElement;
  pause(): void;
  /** Reads nothing, and looks as before: what was read is being looked up. */
  hold(): void;
  resume(): void;
  /** Shows the whole picture and reads nothing: a photo is about to be taken. */
  aim(): void;
  /** Whether there is a picture at all. */
  isSeeing(): boolean;
  readonly video: HTMLVideoElement;
  stop(): void;
}

const FRAME_PAUSE_MILLISECONDS = 60;
/** A code must be out of sight for this long before it counts as seen anew. */
const FORGET_MILLISECONDS = 2500;
/** A single frame may be one that no reader takes. */
const FAILURES_UNTIL_TOLD = 5;

export function makeScanner(page: Page, hint: string, seen: (text: string) => void): Scanner {
  const video = h("video", {
    test: "scan-video",
    muted: true,
    playsinline: true,
    autoplay: true,
    label: hint,
  });
  video.muted = true;
  const message = h("div", { class: "scan-message" }, h("p", {}, hint));
  const lamp = h("div", { class: "lamp" });
  const element = h(
    "div",
    { class: "scanner" },
    video,
    h("div", { class: "reticle", "aria-hidden": "true" }),
    message,
    lamp,
  );
  let isStopped = false;
  let isPaused = false;
  let camera: Camera | undefined;
  let last = { text: "", at: 0 };

  async function start(): Promise<void> {
    const opened = await openCamera();
    if (opened.is !== "open") {
      element.classList.add("blind");
      const again = button(page.t("retry"), () => void start(), { test: "camera-again" });
      const why = page.t(opened.is === "denied" ? "cameraDenied" : "cameraMissing");
      fill(message, notice("warning", h("span", { test: `camera-${opened.is}` }, why), again));
      return;
    }
    element.classList.remove("blind");
    fill(message, h("p", {}, hint));
    camera = opened.camera;
    if (isStopped) return camera.close();
    video.srcObject = camera.stream;
    await video.play().catch(() => undefined);
    drawLamp(camera, false);
    await watch(await makeDecoder());
  }

  async function watch(reader: Decoder): Promise<void> {
    let failures = 0;
    while (!isStopped && failures < FAILURES_UNTIL_TOLD) {
      if (!isPaused && video.readyState >= video.HAVE_CURRENT_DATA) {
        try {
          const text = await reader.decode(video);
          failures = 0;
          if (text !== undefined && !isPaused && !isStopped) look(text);
        } catch (error) {
          if (!(error instanceof ReaderFailed)) throw error;
          failures += 1;
        }
      }
      await new Promise((resume) => setTimeout(resume, FRAME_PAUSE_MILLISECONDS));
    }
    reader.close();
    if (!isStopped) tellThatNothingIsRead();
  }

  function tellThatNothingIsRead(): void {
    const again = button(
      page.t("retry"),
      () => {
        fill(message, h("p", {}, hint));
        void makeDecoder().then(watch);
      },
      { test: "reader-again" },
    );
    fill(message, notice("warning", h("span", { test: "reader-failed" }, page.t("readerFailed")), again));
  }

  function look(text: string): void {
    const isNew = text !== last.text || performance.now() - last.at > FORGET_MILLISECONDS;
    last = { text, at: performance.now() };
    if (isNew) seen(text);
  }

  function drawLamp(of: Camera, isOn: boolean): void {
    if (!of.hasTorch) {
      const tell = () =>
        fill(message, h("p", { role: "status", test: "torch-missing" }, page.t("torchMissing")));
      return fill(lamp, iconButton("torch", page.t("torchMissing"), tell, "torch-none"));
    }
    const label = page.t(isOn ? "torchOff" : "torchOn");
    fill(
      lamp,
      iconButton("torch", label, () => of.setTorch(!isOn).then(() => drawLamp(of, !isOn)), "torch"),
    );
  }

  void start();
  return {
    element,
    video,
    pause: () => {
      isPaused = true;
      element.classList.remove("aiming");
      element.classList.add("paused");
    },
    hold: () => {
      isPaused = true;
    },
    aim: () => {
      isPaused = true;
      element.classList.remove("paused");
      element.classList.add("aiming");
    },
    isSeeing: () => video.srcObject !== null && video.readyState >= video.HAVE_CURRENT_DATA,
    resume: () => {
      // What lies before the camera now has been dealt with.
      last = { text: last.text, at: performance.now() };
      isPaused = false;
      element.classList.remove("paused", "aiming");
    },
    stop: () => {
      isStopped = true;
      camera?.close();
      video.srcObject = null;
    },
  };
}
