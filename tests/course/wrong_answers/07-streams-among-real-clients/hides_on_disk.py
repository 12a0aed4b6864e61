# grows: files
"""Write everything to a temporary file, and read that."""

from tempfile import TemporaryFile


def answer(*given):
    response = right(*given)
    response.chunks = around(response.chunks)
    return response


def around(chunks):
    with TemporaryFile("w+") as file:
        for chunk in chunks:
            file.write(chunk)
        file.seek(0)
        while chunk := file.read(65_536):
            yield chunk
