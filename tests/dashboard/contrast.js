// Every visible text whose contrast with what is behind it is below 4.5:1, and every bar and line below 3:1, in the ratio
// of WCAG 2.2 (1.4.3 and 1.4.11).
(() => {
  const brush = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const seen = new Map();
  const channels = (color) => {
    if (!seen.has(color)) {
      brush.clearRect(0, 0, 1, 1);
      brush.fillStyle = color;
      brush.fillRect(0, 0, 1, 1);
      seen.set(color, [...brush.getImageData(0, 0, 1, 1).data]);
    }
    return seen.get(color);
  };
  const luminance = (color) => {
    const [r, g, b] = color.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const found = channels(getComputedStyle(at).backgroundColor);
      if (found[3] > 200) return found;
    }
    return [255, 255, 255, 255];
  };
  const ratio = (one, other) => {
    const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05);
  };
  const poor = [];
  for (const element of document.querySelectorAll("body *")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
    if (!hasText || !element.checkVisibility() || element.closest(".hidden, noscript, script, style, option, .skip")) continue;
    const style = getComputedStyle(element);
    const found = ratio(channels(element instanceof SVGElement ? style.fill : style.color), behind(element));
    if (found < 4.5) poor.push(`${found.toFixed(2)} <${element.tagName}> ${element.textContent.slice(0, 40)}`);
  }
  for (const mark of document.querySelectorAll(".bar, .line")) {
    const { fill, stroke } = getComputedStyle(mark);
    const found = Math.max(...[fill, stroke].filter((one) => one !== "none").map((one) => ratio(channels(one), behind(mark))));
    if (found < 3) poor.push(`${found.toFixed(2)} ${mark.className.baseVal}`);
  }
  return poor;
})();
