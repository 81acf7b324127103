/** The back camera, and its lamp where the phone lets a page switch it. */
export interface Camera {
  readonly stream: MediaStream;
  readonly hasTorch: boolean;
  setTorch(isOn: boolean): Promise<void>;
  close(): void;
}
export type OpenedCamera =
  { readonly is: "open"; readonly camera: Camera } | { readonly is: "denied" } | { readonly is: "missing" };

export async function openCamera(): Promise<OpenedCamera> {
  const devices = navigator.mediaDevices as MediaDevices | undefined;
  if (devices === undefined) return { is: "missing" };
  try {
    const video = { facingMode: { ideal: "environment" }, width: { ideal: 1280 }, height: { ideal: 720 } };
    const stream = await devices.getUserMedia({ video, audio: false });
    return { is: "open", camera: cameraOf(stream) };
  } catch (problem) {
    const name = problem instanceof DOMException ? problem.name : "";
    return { is: name === "NotAllowedError" || name === "SecurityError" ? "denied" : "missing" };
  }
}

function cameraOf(stream: MediaStream): Camera {
  const [track] = stream.getVideoTracks();
  const abilities = track?.getCapabilities?.() as { torch?: boolean } | undefined;
  return {
    stream,
    hasTorch: abilities?.torch === true,
    setTorch: async (isOn) => {
      await track?.applyConstraints({ advanced: [{ torch: isOn } as MediaTrackConstraintSet] });
    },
    close: () => {
      for (const each of stream.getTracks()) each.stop();
    },
  };
}
