/** Says "read" to hand and ear, for gloves, rain and noise. */
let sound: AudioContext | undefined;

export function signalRead(): void {
  navigator.vibrate?.(60);
  beep(1320, 0.09);
}

export function signalDone(): void {
  navigator.vibrate?.([30, 40, 90]);
  beep(1760, 0.14);
}

export function signalWarning(): void {
  navigator.vibrate?.([160, 80, 160]);
  beep(330, 0.3);
}

function beep(hertz: number, seconds: number): void {
  try {
    sound ??= new AudioContext();
    const tone = sound.createOscillator();
    const volume = sound.createGain();
    tone.frequency.value = hertz;
    volume.gain.setValueAtTime(0.2, sound.currentTime);
    volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + seconds);
    tone.connect(volume).connect(sound.destination);
    tone.start();
    tone.stop(sound.currentTime + seconds);
  } catch {
    // Without sound the screen and the vibration still say it.
  }
}
