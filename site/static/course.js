// What is wider than the screen can be moved sideways with the keyboard too.
const wide = "pre, .table-wrapper, .cell_output, div.math, p:has(> img)";
const reach = () => {
  for (const part of document.querySelectorAll(wide)) {
    if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    else part.removeAttribute("tabindex");
  }
};
addEventListener("load", reach);
addEventListener("resize", reach);

// Furo has two side bars and no names for them.
document.querySelector(".sidebar-drawer")?.setAttribute("aria-label", "Pages");
document.querySelector(".toc-drawer")?.setAttribute("aria-label", "On this page");
