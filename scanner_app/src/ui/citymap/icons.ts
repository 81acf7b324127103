/** The signs of stations (a square) and parks (a triangle), drawn here: a style without pictures of its own. */
import type { Colours } from "./colours.ts";

const SIZE = 22;
const SHARPNESS = 2;

/** The picture that a name like "park-red-rough" stands for. */
export function signOf(name: string, colours: Colours): { image: ImageData; pixelRatio: number } {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE * SHARPNESS;
  const pen = canvas.getContext("2d");
  if (pen === null) throw new Error("no canvas to draw the map's signs on");
  pen.scale(SHARPNESS, SHARPNESS);
  pen.lineJoin = "round";
  pen.lineWidth = 2;
  pen.strokeStyle = colours.ink;
  pen.fillStyle = name.includes("-red") ? colours.tones.red : colours.card;
  pen.beginPath();
  if (name.startsWith("station")) pen.roundRect(5, 5, 12, 12, 2.5);
  else {
    pen.moveTo(11, 3);
    pen.lineTo(19.5, 18);
    pen.lineTo(2.5, 18);
    pen.closePath();
  }
  pen.fill();
  if (name.endsWith("-rough")) pen.setLineDash([3, 2.5]);
  pen.stroke();
  const { width, height } = canvas;
  return { image: pen.getImageData(0, 0, width, height), pixelRatio: SHARPNESS };
}
